// The event subscription of the blob trigger: the second phase, after the code is deployed.
//
// It cannot be part of main.bicep: the key in its address exists only once a deployed blob trigger has started,
// and Event Grid calls the address while the subscription is made. infra/hooks/ deploys this file after every
// deployment of code, which also repairs a subscription whose key was made anew. The key stays inside the
// resource manager: no shell, log or file sees it.

@description('Name of the system topic, in the resource group that this is deployed to.')
param systemTopicName string

@description('Name of the event subscription, the environment\'s own: an account may serve several.')
param name string

param functionAppName string
param functionAppResourceGroup string

@description('Subscription of the app, which may be another one than the topic\'s.')
param functionAppSubscriptionId string

@description('Name of the function with the blob trigger.')
param functionName string

@description('Resource id of the app\'s own storage account.')
param hostAccountId string

param deadLetterContainer string
param landingContainer string
param landingPrefix string

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  scope: resourceGroup(functionAppSubscriptionId, functionAppResourceGroup)
  name: functionAppName
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: systemTopicName
}

var keys = listKeys('${app.id}/host/default', '2023-12-01')

resource subscription 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: name
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    destination: {
      endpointType: 'WebHook'
      properties: {
        endpointUrl: 'https://${app.properties.defaultHostName}/runtime/webhooks/blobs?functionName=Host.Functions.${functionName}&code=${keys.systemKeys.blobs_extension}'
        maxEventsPerBatch: 1
        preferredBatchSizeInKilobytes: 64
        minimumTlsVersionAllowed: '1.2'
      }
    }
    filter: {
      // A rename has no size and no type, and the host's webhook fails on it: only the queue variant takes renames.
      includedEventTypes: [
        'Microsoft.Storage.BlobCreated'
      ]
      subjectBeginsWith: '/blobServices/default/containers/${landingContainer}/blobs/${landingPrefix}'
      isSubjectCaseSensitive: true
      enableAdvancedFilteringOnArrays: true
      advancedFilters: [
        {
          // The calls that end with a complete file. A Data Lake CreateFile comes with 0 bytes before the content.
          operatorType: 'StringIn'
          key: 'data.api'
          values: [
            'PutBlob'
            'PutBlockList'
            'CopyBlob'
            'FlushWithClose'
            'SftpCommit'
          ]
        }
      ]
    }
    retryPolicy: {
      maxDeliveryAttempts: 30
      eventTimeToLiveInMinutes: 1440
    }
    deadLetterWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: hostAccountId
          blobContainerName: deadLetterContainer
        }
      }
    }
  }
}
