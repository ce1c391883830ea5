// The Event Grid system topic: the landing account's events. Its own identity delivers and writes dead letters.

param name string

@description('Region of the landing account: a system topic lives where its source does.')
param location string
param tags object

@description('Resource id of the landing account.')
param landingAccountId string

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  identity: {
    // System-assigned: with a firewall on the storage account Event Grid accepts no other kind.
    type: 'SystemAssigned'
  }
  properties: {
    source: landingAccountId
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

resource deliveryLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: topic
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'DeliveryFailures'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

output name string = topic.name
output principalId string = topic.identity.principalId
