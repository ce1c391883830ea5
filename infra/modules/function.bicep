// The function app on a Flex Consumption plan of its own (such a plan takes one app) and all its settings.

import { tuningSettings } from 'tuning.bicep'

param planName string
param appName string
param location string
param tags object

@description('Spreads instances over availability zones, where the region has them.')
param zoneRedundant bool

@allowed([512, 2048, 4096])
param instanceMemoryMB int

param maximumInstanceCount int

@description('Instances that are kept warm, and paid for, all day. With one, Event Grid never meets a cold app.')
param alwaysReadyInstances int

@description('Addresses besides Event Grid that may call the app, as CIDR ranges.')
param allowedAddressRanges array

@allowed(['blobTrigger', 'storageQueue'])
param eventSource string

param identityId string
param identityClientId string
param insightsName string
param workspaceId string

param hostBlobEndpoint string
param hostQueueEndpoint string
param hostTableEndpoint string

@description('Container that the code is deployed to.')
param packageContainer string

param landingBlobEndpoint string
param landingQueueEndpoint string
param landingContainer string
param landingPrefix string

param airflowBaseUrl string
param airflowDagId string
param vaultUri string

@description('Name of the secret in the vault, never its value.')
param airflowSecretName string

@description('Threads of the Python worker. Without the setting the host may take 1,000.')
param threadCount int

param tuning tuningSettings

var useWebhook = eventSource == 'blobTrigger'

// The host scales its functions in groups: all blob triggers that Event Grid feeds are one group.
var warmGroup = {
  name: useWebhook ? 'blob' : 'function:queue_to_dag'
  instanceCount: alwaysReadyInstances
}

var operatorRules = [
  for (addresses, index) in allowedAddressRanges: {
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
    zoneRedundant: zoneRedundant
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
    publicNetworkAccess: 'Enabled'
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
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyInstances > 0 ? [warmGroup] : []
      }
    }
    siteConfig: {
      ftpsState: 'Disabled'
      http20Enabled: true
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ipSecurityRestrictions: concat(useWebhook ? [eventGridRule] : [], operatorRules)
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
  AIRFLOW_BASE_URL: airflowBaseUrl
  AIRFLOW_CREDENTIAL_SECRET: airflowSecretName
  AIRFLOW_DAG_ID: airflowDagId
  EVENT_SOURCE: useWebhook ? 'EventGrid' : 'queue'
  KEY_VAULT_URI: vaultUri
  LANDING_PATH: '${landingContainer}/${landingPrefix}{name}'
  LandingStorage__blobServiceUri: landingBlobEndpoint
  LandingStorage__clientId: identityClientId
  LandingStorage__credential: 'managedidentity'
  LandingStorage__queueServiceUri: landingQueueEndpoint
  PYTHON_THREADPOOL_THREAD_COUNT: string(threadCount)
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

output name string = app.name
