// What a person sees of the app: a workbook, and where somebody is to be told, alerts.

import { alertOptions } from '../types.bicep'

@description('Part of names.')
param suffix string

param location string
param tags object
param options alertOptions

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

param topicName string
param topicResourceGroup string
param topicSubscriptionId string

// A rule costs money, and nobody would hear of it.
var isAnyoneTold = !empty(options.emails) || !empty(options.actionGroupIds)
var ownGroups = empty(options.emails) ? [] : [mail!.id]
var actionGroupIds = concat(options.actionGroupIds, ownGroups)

resource mail 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(options.emails)) {
  name: 'ag-${suffix}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'blob-to-dag'
    emailReceivers: [
      for (address, index) in options.emails: {
        name: 'mail-${index}'
        emailAddress: address
        useCommonAlertSchema: true
      }
    ]
  }
}

module alerts 'alerts.bicep' = if (isAnyoneTold) {
  params: {
    suffix: suffix
    location: location
    tags: tags
    options: options
    workspaceId: workspaceId
    actionGroupIds: actionGroupIds
  }
}

// Beside the topic, because a metric is watched from its own subscription.
module eventGridAlerts 'event-grid-alerts.bicep' = if (isAnyoneTold) {
  scope: resourceGroup(topicSubscriptionId, topicResourceGroup)
  params: {
    suffix: suffix
    tags: tags
    runbook: options.runbook
    topicName: topicName
    actionGroupIds: actionGroupIds
  }
}

module workbook 'workbook.bicep' = {
  params: {
    suffix: suffix
    location: location
    tags: tags
    workspaceId: workspaceId
  }
}
