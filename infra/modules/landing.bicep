// The landing account and its system topic, each made here or there already. Deployed to the account's group.

import { landingOptions, networkOptions, storageOptions } from '../types.bicep'

param newAccountName string
param newTopicName string
param location string
param tags object
param options landingOptions
param storage storageOptions
param network networkOptions
param workspaceId string

// The host's name for it.
var poisonQueue = 'webjobs-blobtrigger-poison'

var useOldLanding = !empty(options.accountName)
var useOldTopic = !empty(options.topicName)

module newLanding 'storage.bicep' = if (!useOldLanding) {
  params: {
    name: newAccountName
    location: location
    tags: tags
    options: storage
    containers: options.containers
    // The host makes it when it needs it; here it is seen, and its writes are logged, from the start.
    queues: [poisonQueue]
    hierarchicalNamespace: options.hierarchicalNamespace
    network: network
    workspaceId: workspaceId
  }
}

module oldLanding 'landing-existing.bicep' = if (useOldLanding) {
  params: {
    name: options.accountName
    poisonQueue: poisonQueue
  }
}

module newTopic 'topic.bicep' = if (!useOldTopic) {
  params: {
    name: newTopicName
    location: useOldLanding ? oldLanding!.outputs.location : location
    tags: tags
    landingAccountId: useOldLanding ? oldLanding!.outputs.id : newLanding!.outputs.id
    workspaceId: workspaceId
  }
}

module oldTopic 'topic-existing.bicep' = if (useOldTopic) {
  params: {
    name: options.topicName
  }
}

output accountId string = useOldLanding ? oldLanding!.outputs.id : newLanding!.outputs.id
output accountName string = useOldLanding ? options.accountName : newLanding!.outputs.name
output blobEndpoint string = useOldLanding ? oldLanding!.outputs.blobEndpoint : newLanding!.outputs.blobEndpoint
output queueEndpoint string = useOldLanding ? oldLanding!.outputs.queueEndpoint : newLanding!.outputs.queueEndpoint
output poisonQueue string = poisonQueue
output topicName string = useOldTopic ? oldTopic!.outputs.name : newTopic!.outputs.name
output topicPrincipalId string = useOldTopic ? oldTopic!.outputs.principalId : newTopic!.outputs.principalId
