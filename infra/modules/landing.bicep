// The landing account and its system topic, each made here or there already.

targetScope = 'subscription'

@description('Where a new account goes.')
param appResourceGroup string

param newAccountName string
param newTopicName string
param location string
param tags object

@description('An account that is there already; empty to make one.')
param existingAccountName string
param existingResourceGroup string

@description('The topic that an existing account has already; empty to make one.')
param existingTopicName string

param container string
param hierarchicalNamespace bool
param skuName string
param softDeleteDays int
param workspaceId string

var poisonQueue = 'webjobs-blobtrigger-poison'

var useOldLanding = !empty(existingAccountName)
var useOldTopic = !empty(existingTopicName)
var accountResourceGroup = useOldLanding ? existingResourceGroup : appResourceGroup
var topicName = useOldTopic ? existingTopicName : newTopicName

module newLanding 'storage.bicep' = if (!useOldLanding) {
  scope: resourceGroup(appResourceGroup)
  params: {
    name: newAccountName
    location: location
    tags: tags
    skuName: skuName
    containers: [container]
    // The host makes it when it needs it; here it is seen, and its writes are logged, from the start.
    queues: [poisonQueue]
    softDeleteDays: softDeleteDays
    hierarchicalNamespace: hierarchicalNamespace
    workspaceId: workspaceId
  }
}

module oldLanding 'landing-existing.bicep' = if (useOldLanding) {
  scope: resourceGroup(accountResourceGroup)
  params: {
    name: existingAccountName
  }
}

module newTopic 'topic.bicep' = if (!useOldTopic) {
  scope: resourceGroup(accountResourceGroup)
  params: {
    name: topicName
    location: useOldLanding ? oldLanding!.outputs.location : location
    tags: tags
    landingAccountId: useOldLanding ? oldLanding!.outputs.id : newLanding!.outputs.id
    workspaceId: workspaceId
  }
}

module oldTopic 'topic-existing.bicep' = if (useOldTopic) {
  scope: resourceGroup(accountResourceGroup)
  params: {
    name: topicName
  }
}

output accountName string = useOldLanding ? existingAccountName : newLanding!.outputs.name
output blobEndpoint string = useOldLanding ? oldLanding!.outputs.blobEndpoint : newLanding!.outputs.blobEndpoint
output queueEndpoint string = useOldLanding ? oldLanding!.outputs.queueEndpoint : newLanding!.outputs.queueEndpoint
output topicName string = useOldTopic ? oldTopic!.outputs.name : newTopic!.outputs.name
output topicPrincipalId string = useOldTopic ? oldTopic!.outputs.principalId : newTopic!.outputs.principalId
