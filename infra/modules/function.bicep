// The function app on a Flex Consumption plan of its own (such a plan takes one app) and all its settings.

import { airflowOptions, landingOptions, networkOptions, scaleOptions } from '../types.bicep'
import { tuningSettings } from 'tuning.bicep'

param planName string
param appName string
param location string
param tags object

param scale scaleOptions
param network networkOptions

@description('Subnet for the app\'s outgoing calls; empty for none.')
param subnetId string

@allowed(['blobTrigger', 'storageQueue'])
param eventSource string

param identityId string
param identityClientId string
param insightsName string
param workspaceId string

@description('Ships the lines of app and host a second time, to the table FunctionAppLogs.')
param shipsFunctionAppLogs bool

param hostBlobEndpoint string
param hostQueueEndpoint string
param hostTableEndpoint string

@description('Container that the code is deployed to.')
param packageContainer string

param landingBlobEndpoint string
param landingQueueEndpoint string
param landing landingOptions
param airflow airflowOptions
param vaultUri string
param tuning tuningSettings

var useWebhook = eventSource == 'blobTrigger'

// The host scales its functions in groups: `http`, `blob` for all blob triggers that Event Grid feeds, and one for
// each other function. Event Grid's call comes in as HTTP and the message that it leaves is taken by `blob`, so both
// are warmed: a cold host answers 401 until it has loaded its key, and Event Grid does not retry a 401. Which of the
// two answers the webhook is not documented; docs/unproven.md has the command that shows it.
var warmGroups = useWebhook ? ['http', 'blob'] : ['function:queue_to_dag']
var alwaysReady = [
  for group in warmGroups: {
    name: group
    instanceCount: scale.alwaysReadyInstances
  }
]

var isMemoryKnown = contains([512, 2048, 4096], scale.instanceMemoryMB)
var instanceMemoryMB = isMemoryKnown ? scale.instanceMemoryMB : fail('INSTANCE_MEMORY_MB must be 512, 2048 or 4096.')

var callerRules = [
  for (addresses, index) in network.callerAddressRanges: {
    name: 'allowed-${index}'
    action: 'Allow'
    priority: 200 + index
    ipAddress: addresses
  }
]

// Event Grid pushes from the internet and cannot use private endpoints. The app polls a queue, so nothing comes in.
var eventGridRule = {
  name: 'event-grid'
  action: 'Allow'
  priority: 100
  tag: 'ServiceTag'
  ipAddress: 'AzureEventGrid'
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: scale.zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: appName
  location: location
  // azd finds the app by this tag.
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    // Event Grid pushes from the internet and cannot use a private endpoint; the restrictions below name who may call.
    publicNetworkAccess: 'Enabled'
    // The endpoints below /admin are closed, even to the master key. The published types lack the property:
    // https://learn.microsoft.com/azure/azure-functions/security-concepts#disable-administrative-endpoints
    #disable-next-line BCP037
    functionsRuntimeAdminIsolationEnabled: true
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    outboundVnetRouting: empty(subnetId) ? null : { allTraffic: true }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostBlobEndpoint}${packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: scale.maximumInstanceCount
        alwaysReady: scale.alwaysReadyInstances > 0 ? alwaysReady : []
      }
    }
    siteConfig: {
      ftpsState: 'Disabled'
      http20Enabled: true
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ipSecurityRestrictions: concat(useWebhook ? [eventGridRule] : [], callerRules)
      ipSecurityRestrictionsDefaultAction: 'Deny'
      // Deployments come through the other host name, with Entra ID.
      scmIpSecurityRestrictionsUseMain: false
    }
  }
}

resource ftpPublishing 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource scmPublishing 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

var hostSettings = {
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  // An address with an id; what writes there needs a role, for the resource takes no keys.
  APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
  AZURE_CLIENT_ID: identityClientId
  AzureWebJobsStorage__blobServiceUri: hostBlobEndpoint
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__queueServiceUri: hostQueueEndpoint
  AzureWebJobsStorage__tableServiceUri: hostTableEndpoint
}

var appSettings = {
  AIRFLOW_BASE_URL: airflow.baseUrl
  AIRFLOW_CREDENTIAL_SECRET: airflow.secretName
  AIRFLOW_DAG_ID: airflow.dagId
  AIRFLOW_MAX_RUNS_PER_MINUTE: airflow.maxRunsPerMinute == 0 ? '' : string(airflow.maxRunsPerMinute)
  EVENT_SOURCE: useWebhook ? 'EventGrid' : 'queue'
  KEY_VAULT_URI: vaultUri
  LANDING_PATH: '${landing.containers[0]}/${landing.prefix}{name}'
  LandingStorage__blobServiceUri: landingBlobEndpoint
  LandingStorage__clientId: identityClientId
  LandingStorage__credential: 'managedidentity'
  LandingStorage__queueServiceUri: landingQueueEndpoint
  PYTHON_THREADPOOL_THREAD_COUNT: string(scale.threadCount)
}

resource settings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: union(hostSettings, appSettings, tuning)
}

resource appLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: app
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'FunctionAppLogs'
        enabled: shipsFunctionAppLogs
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

output name string = app.name
