// The event subscription of the queue variant: Event Grid writes to a storage queue with its own identity.
// No key, no handshake and no code are needed, so it is part of the one deployment.

@description('Name of the event subscription, the environment\'s own.')
param name string

param topicName string

@description('Resource id of the app\'s own storage account.')
param hostAccountId string

param eventQueue string
param deadLetterContainer string
param landingContainer string
param landingPrefix string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource subscription 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: name
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    deliveryWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      destination: {
        endpointType: 'StorageQueue'
        properties: {
          resourceId: hostAccountId
          queueName: eventQueue
          // Never expires: an outage of any length loses nothing.
          queueMessageTimeToLiveInSeconds: -1
        }
      }
    }
    filter: {
      includedEventTypes: [
        'Microsoft.Storage.BlobCreated'
        'Microsoft.Storage.BlobRenamed'
      ]
      subjectBeginsWith: '/blobServices/default/containers/${landingContainer}/blobs/${landingPrefix}'
      isSubjectCaseSensitive: true
      enableAdvancedFilteringOnArrays: true
      advancedFilters: [
        {
          // The calls that end with a complete file under its name.
          operatorType: 'StringIn'
          key: 'data.api'
          values: [
            'PutBlob'
            'PutBlockList'
            'CopyBlob'
            'FlushWithClose'
            'SftpCommit'
            'RenameFile'
            'SftpRename'
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
