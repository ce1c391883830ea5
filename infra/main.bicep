// Everything but the event subscription of the blob trigger, which needs running code: see subscription.bicep.

targetScope = 'subscription'

import { tuningSettings } from 'modules/tuning.bicep'

@description('Name of the azd environment. It names the resource group and makes the other names unique.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region of everything but an existing landing account\'s topic.')
@minLength(1)
param location string

@description('How an event reaches the app: Event Grid calls the blob trigger, or writes to a storage queue.')
@allowed(['blobTrigger', 'storageQueue'])
param eventSource string = 'blobTrigger'

@description('Address of Airflow\'s web server, with its path if it has one.')
@minLength(1)
param airflowBaseUrl string

@description('The DAG that every blob starts; empty where the routes say it.')
param airflowDagId string = ''

@description('Name of the vault\'s secret with the credentials of Airflow, never its value.')
param airflowSecretName string = 'airflow-credentials'

@description('Container that files land in.')
@minLength(3)
param landingContainer string = 'landing'

@description('Only blobs whose names begin so are seen, such as incoming/; empty for all.')
param landingPrefix string = ''

@description('A storage account that is there already; empty to make one.')
param existingLandingAccountName string = ''

@description('Resource group of the existing storage account, in this subscription.')
param existingLandingResourceGroup string = ''

@description('The system topic that the existing account has already, if it has one; with a system-assigned identity.')
param existingSystemTopicName string = ''

@description('Whether a new landing account is a Data Lake Storage Gen2 one.')
param landingHierarchicalNamespace bool = false

@description('Redundancy of the storage accounts. Standard_LRS where the region has no zones.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageSku string = 'Standard_ZRS'

@description('For how long deleted blobs can be brought back, in days.')
@minValue(7)
@maxValue(365)
param softDeleteDays int = 14

@description('Spreads the app over availability zones.')
param zoneRedundant bool = false

@description('Memory of one instance, in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Most instances at a time. Calls to Airflow are bounded by this times the cap of one instance.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Instances that stay warm, and are paid for, all day.')
@minValue(0)
@maxValue(20)
param alwaysReadyInstances int = 1

@description('Threads of one Python worker; at least the parallelism that host.json allows.')
@minValue(30)
@maxValue(1000)
param threadCount int = 32

@description('Addresses besides Event Grid that may call the app, as CIDR ranges.')
param allowedAddressRanges array = []

@description('App settings with another value than the app\'s default.')
param tuning tuningSettings = {}

@description('Object id of the person, group or principal that stores credentials in the vault and uploads a test file; empty for none.')
param operatorPrincipalId string = ''

@allowed(['User', 'Group', 'ServicePrincipal'])
param operatorPrincipalType string = 'User'

@description('Keeps a deleted vault for 90 days against everyone. Off only for try-outs that are removed again.')
param vaultPurgeProtection bool = true

@description('How long logs are kept, in days.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Most log data a day, in GB; -1 for no limit.')
@minValue(-1)
param logDailyQuotaGb int = 5

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }

var names = {
  resourceGroup: 'rg-${environmentName}'
  identity: 'id-${token}'
  plan: 'plan-${token}'
  app: 'func-${token}'
  hostAccount: 'st${token}host'
  landingAccount: 'st${token}land'
  vault: 'kv-${token}'
  workspace: 'log-${token}'
  insights: 'appi-${token}'
  topic: 'egst-${token}'
}

// These names are in the code, too.
var functionName = 'blob_to_dag'
var outboxTable = 'airflowoutbox'
var deadTable = 'airflowdead'
var settledTable = 'airflowsettled'
var leaseContainer = 'airflow-outbox'
var eventQueue = 'airflow-events'
var eventGridDeadContainer = 'eventgrid-deadletter'
var packageContainer = 'app-package-${token}'

var useQueue = eventSource == 'storageQueue'

// Known before anything is made, as scopes must be.
var landingResourceGroup = empty(existingLandingAccountName) ? names.resourceGroup : existingLandingResourceGroup

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: names.resourceGroup
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: {
    name: names.identity
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    workspaceName: names.workspace
    insightsName: names.insights
    location: location
    tags: tags
    retentionInDays: logRetentionDays
    dailyQuotaGb: logDailyQuotaGb
  }
}

module hostStorage 'modules/storage.bicep' = {
  scope: group
  params: {
    name: names.hostAccount
    location: location
    tags: tags
    skuName: storageSku
    containers: [packageContainer, leaseContainer, eventGridDeadContainer]
    // The app reads the event queue in both variants, so that switching over leaves nothing behind.
    queues: [eventQueue, '${eventQueue}-poison']
    tables: [outboxTable, deadTable, settledTable]
    softDeleteDays: softDeleteDays
    workspaceId: monitoring.outputs.workspaceId
  }
}

module keyVault 'modules/key-vault.bicep' = {
  scope: group
  params: {
    name: names.vault
    location: location
    tags: tags
    purgeProtection: vaultPurgeProtection
    workspaceId: monitoring.outputs.workspaceId
  }
}

module landing 'modules/landing.bicep' = {
  params: {
    appResourceGroup: group.name
    newAccountName: names.landingAccount
    newTopicName: names.topic
    location: location
    tags: tags
    existingAccountName: existingLandingAccountName
    existingResourceGroup: existingLandingResourceGroup
    existingTopicName: existingSystemTopicName
    container: landingContainer
    hierarchicalNamespace: landingHierarchicalNamespace
    skuName: storageSku
    softDeleteDays: softDeleteDays
    workspaceId: monitoring.outputs.workspaceId
  }
}

module roles 'modules/roles.bicep' = {
  scope: group
  params: {
    appPrincipalId: identity.outputs.principalId
    topicPrincipalId: landing.outputs.topicPrincipalId
    operatorPrincipalId: operatorPrincipalId
    operatorPrincipalType: operatorPrincipalType
    hostAccountName: hostStorage.outputs.name
    deadLetterContainer: eventGridDeadContainer
    eventSource: eventSource
    eventQueue: eventQueue
    vaultName: keyVault.outputs.name
    insightsName: monitoring.outputs.insightsName
  }
}

module rolesLanding 'modules/roles-landing.bicep' = {
  scope: resourceGroup(landingResourceGroup)
  params: {
    landingAccountName: landing.outputs.accountName
    appPrincipalId: identity.outputs.principalId
    eventSource: eventSource
    operatorPrincipalId: operatorPrincipalId
    operatorPrincipalType: operatorPrincipalType
  }
}

module function 'modules/function.bicep' = {
  scope: group
  // The app reads its storage when it starts: its roles come first.
  dependsOn: [roles, rolesLanding]
  params: {
    planName: names.plan
    appName: names.app
    location: location
    tags: tags
    zoneRedundant: zoneRedundant
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyInstances: alwaysReadyInstances
    allowedAddressRanges: allowedAddressRanges
    eventSource: eventSource
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    insightsName: monitoring.outputs.insightsName
    workspaceId: monitoring.outputs.workspaceId
    hostBlobEndpoint: hostStorage.outputs.blobEndpoint
    hostQueueEndpoint: hostStorage.outputs.queueEndpoint
    hostTableEndpoint: hostStorage.outputs.tableEndpoint
    packageContainer: packageContainer
    landingBlobEndpoint: landing.outputs.blobEndpoint
    landingQueueEndpoint: landing.outputs.queueEndpoint
    landingContainer: landingContainer
    landingPrefix: landingPrefix
    airflowBaseUrl: airflowBaseUrl
    airflowDagId: airflowDagId
    vaultUri: keyVault.outputs.uri
    airflowSecretName: airflowSecretName
    threadCount: threadCount
    tuning: tuning
  }
}

module queueSubscription 'modules/queue-subscription.bicep' = if (useQueue) {
  scope: resourceGroup(landingResourceGroup)
  // Event Grid tries its roles when the subscription is made.
  dependsOn: [roles, function]
  params: {
    topicName: landing.outputs.topicName
    hostAccountId: hostStorage.outputs.id
    eventQueue: eventQueue
    deadLetterContainer: eventGridDeadContainer
    landingContainer: landingContainer
    landingPrefix: landingPrefix
  }
}

// What the hooks and docs/deploy.md need; azd keeps them in its environment.
output AZURE_RESOURCE_GROUP string = names.resourceGroup
output AZURE_FUNCTION_APP_NAME string = function.outputs.name
output EVENT_SOURCE string = eventSource
output FUNCTION_NAME string = functionName
output EVENT_GRID_RESOURCE_GROUP string = landingResourceGroup
output EVENT_GRID_SYSTEM_TOPIC_NAME string = landing.outputs.topicName
output EVENT_GRID_DEAD_LETTER_CONTAINER string = eventGridDeadContainer
output HOST_STORAGE_ACCOUNT_ID string = hostStorage.outputs.id
output LANDING_STORAGE_ACCOUNT_NAME string = landing.outputs.accountName
output LANDING_CONTAINER string = landingContainer
output LANDING_PREFIX string = landingPrefix
output KEY_VAULT_NAME string = keyVault.outputs.name
output AIRFLOW_SECRET_NAME string = airflowSecretName
