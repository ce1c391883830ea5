// Everything in one resource group: a module of main.bicep, and the entry for a group that is there already.

import { tuningSettings } from 'modules/tuning.bicep'
import { airflowOptions, alertOptions, landingOptions, logOptions, nameOptions } from 'types.bicep'
import { networkOptions, operatorOptions, scaleOptions, storageOptions, vaultOptions } from 'types.bicep'

@description('Name of the azd environment. It makes names unique.')
@minLength(1)
@maxLength(64)
param environmentName string

@minLength(1)
param location string

@description('Tags of every resource.')
param tags object = {}

param names nameOptions = {}

@allowed(['blobTrigger', 'storageQueue'])
param eventSource string

param airflow airflowOptions
param landing landingOptions
param scale scaleOptions
param storage storageOptions
param vault vaultOptions
param logs logOptions
param alerts alertOptions
param operator operatorOptions
param network networkOptions

@description('App settings with another value than the app\'s default.')
param tuning tuningSettings = {}

var token = toLower(uniqueString(subscription().id, environmentName, location, 'blob-to-dag'))
var allTags = union(tags, { 'azd-env-name': environmentName })

var name = {
  app: names.?app ?? 'func-${token}'
  hostAccount: names.?hostAccount ?? 'st${token}host'
  identity: names.?identity ?? 'id-${token}'
  insights: names.?insights ?? 'appi-${token}'
  landingAccount: names.?landingAccount ?? 'st${token}land'
  network: names.?network ?? 'vnet-${token}'
  plan: names.?plan ?? 'plan-${token}'
  topic: names.?topic ?? 'egst-${token}'
  vault: names.?vault ?? 'kv-${token}'
  workspace: names.?workspace ?? 'log-${token}'
}

// These names are in the code, too.
var functionName = 'blob_to_dag'
var outboxTable = 'airflowoutbox'
var deadTable = 'airflowdead'
var settledTable = 'airflowsettled'
var leaseContainer = 'airflow-outbox'
var routesContainer = 'airflow-routes'
var eventQueue = 'airflow-events'
var eventGridDeadContainer = 'eventgrid-deadletter'
var packageContainer = 'app-package-${token}'

var useQueue = eventSource == 'storageQueue'
var queueContainers = useQueue ? landing.containers : []
var subscriptionName = 'blob-to-dag-${token}'
// One for each container; the first has the name that a deployment with one container has.
var laterContainers = skip(landing.containers, 1)
var laterSubscriptions = [for container in laterContainers: '${subscriptionName}-${uniqueString(container)}']
var subscriptionNames = concat([subscriptionName], laterSubscriptions)

// hooks/roles.py finds by this what a deployment made.
var roleMark = 'blob-to-dag ${token}'

// Known before anything is made, as scopes must be.
var isNew = empty(landing.accountName)
var noGroup = 'EXISTING_LANDING_ACCOUNT_NAME is set, but EXISTING_LANDING_RESOURCE_GROUP, the account\'s group, is not.'
var existingGroup = isNew || !empty(landing.resourceGroup) ? landing.resourceGroup : fail(noGroup)
var landingResourceGroup = isNew ? resourceGroup().name : existingGroup
var isOwnSubscription = isNew || empty(landing.subscriptionId)
var landingSubscriptionId = isOwnSubscription ? subscription().subscriptionId : landing.subscriptionId

module identity 'modules/identity.bicep' = {
  params: {
    name: name.identity
    location: location
    tags: allTags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  params: {
    workspaceName: name.workspace
    insightsName: name.insights
    location: location
    tags: allTags
    retentionInDays: logs.retentionDays
    dailyQuotaGb: logs.dailyQuotaGb
  }
}

module hostStorage 'modules/storage.bicep' = {
  params: {
    name: name.hostAccount
    location: location
    tags: allTags
    options: storage
    containers: [packageContainer, leaseContainer, eventGridDeadContainer, routesContainer]
    // The app reads the event queue in both variants, so that switching over leaves nothing behind.
    queues: [eventQueue, '${eventQueue}-poison']
    tables: [outboxTable, deadTable, settledTable]
    network: network
    workspaceId: monitoring.outputs.workspaceId
  }
}

module keyVault 'modules/key-vault.bicep' = {
  params: {
    name: name.vault
    location: location
    tags: allTags
    options: vault
    network: network
    auditWorkspaceId: monitoring.outputs.auditWorkspaceId
  }
}

module landingStorage 'modules/landing.bicep' = {
  scope: resourceGroup(landingSubscriptionId, landingResourceGroup)
  params: {
    newAccountName: name.landingAccount
    newTopicName: name.topic
    location: location
    tags: allTags
    options: landing
    storage: storage
    network: network
    workspaceId: monitoring.outputs.workspaceId
  }
}

module privateNetwork 'modules/network.bicep' = if (network.private) {
  params: {
    name: name.network
    location: location
    tags: allTags
    options: network
    hostAccountId: hostStorage.outputs.id
    landingAccountId: landingStorage.outputs.accountId
    vaultId: keyVault.outputs.id
  }
}

module roles 'modules/roles.bicep' = {
  params: {
    appPrincipalId: identity.outputs.principalId
    topicPrincipalId: landingStorage.outputs.topicPrincipalId
    operator: operator
    mark: roleMark
    hostAccountName: hostStorage.outputs.name
    deadLetterContainer: eventGridDeadContainer
    routesContainer: routesContainer
    eventSource: eventSource
    eventQueue: eventQueue
    tables: [outboxTable, deadTable, settledTable]
    vaultName: keyVault.outputs.name
    insightsName: monitoring.outputs.insightsName
  }
}

module rolesLanding 'modules/roles-landing.bicep' = {
  scope: resourceGroup(landingSubscriptionId, landingResourceGroup)
  params: {
    landingAccountName: landingStorage.outputs.accountName
    containers: landing.containers
    poisonQueue: landingStorage.outputs.poisonQueue
    appPrincipalId: identity.outputs.principalId
    eventSource: eventSource
    operator: operator
    mark: roleMark
  }
}

module function 'modules/function.bicep' = {
  // The app reads its storage when it starts: its roles come first.
  dependsOn: [roles, rolesLanding]
  params: {
    planName: name.plan
    appName: name.app
    location: location
    tags: allTags
    scale: scale
    network: network
    subnetId: network.private ? privateNetwork!.outputs.appSubnetId : ''
    eventSource: eventSource
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    insightsName: monitoring.outputs.insightsName
    workspaceId: monitoring.outputs.workspaceId
    shipsFunctionAppLogs: logs.functionAppLogs
    hostBlobEndpoint: hostStorage.outputs.blobEndpoint
    hostQueueEndpoint: hostStorage.outputs.queueEndpoint
    hostTableEndpoint: hostStorage.outputs.tableEndpoint
    packageContainer: packageContainer
    landingBlobEndpoint: landingStorage.outputs.blobEndpoint
    landingQueueEndpoint: landingStorage.outputs.queueEndpoint
    landing: landing
    airflow: airflow
    vaultUri: keyVault.outputs.uri
    tuning: tuning
  }
}

// All containers share the one queue.
module queueSubscription 'modules/queue-subscription.bicep' = [
  for (container, index) in queueContainers: {
    scope: resourceGroup(landingSubscriptionId, landingResourceGroup)
    // Event Grid tries its roles when the subscription is made.
    dependsOn: [roles, function]
    params: {
      name: subscriptionNames[index]
      topicName: landingStorage.outputs.topicName
      hostAccountId: hostStorage.outputs.id
      eventQueue: eventQueue
      deadLetterContainer: eventGridDeadContainer
      landingContainer: container
      landingPrefix: landing.prefix
    }
  }
]

module watch 'modules/watch.bicep' = {
  params: {
    suffix: token
    location: location
    tags: allTags
    options: alerts
    workspaceId: monitoring.outputs.workspaceId
    topicName: landingStorage.outputs.topicName
    topicResourceGroup: landingResourceGroup
    topicSubscriptionId: landingSubscriptionId
  }
}

// What main.bicep passes on to azd. AZURE_RESOURCE_GROUP is an input here: azd needs it to find the group.
output APP_CONTAINER string = landing.containers[0]
output APP_CONTAINERS array = landing.containers
output APP_EVENT_SOURCE string = eventSource
output APP_FUNCTION_NAME string = functionName
output APP_NAME string = function.outputs.name
output APP_PREFIX string = landing.prefix
output APP_SECRET_NAME string = airflow.secretName
output DEAD_LETTER_CONTAINER string = eventGridDeadContainer
output EVENT_SUBSCRIPTION_NAME string = subscriptionName
output EVENT_SUBSCRIPTION_NAMES array = subscriptionNames
output HOST_STORAGE_ACCOUNT_ID string = hostStorage.outputs.id
output KEY_VAULT_NAME string = keyVault.outputs.name
output LANDING_ACCOUNT_NAME string = landingStorage.outputs.accountName
output ROLE_ASSIGNMENTS array = concat(roles.outputs.assignments, rolesLanding.outputs.assignments)
output ROLE_ASSIGNMENTS_MARK string = roleMark
output TOPIC_NAME string = landingStorage.outputs.topicName
output TOPIC_RESOURCE_GROUP string = landingResourceGroup
output TOPIC_SUBSCRIPTION_ID string = landingSubscriptionId
