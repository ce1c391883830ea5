// The first phase for a subscription: a resource group, and everything in it but the event subscription of the
// blob trigger, which needs running code (see subscription.bicep). For a group that is there: group.bicep.

targetScope = 'subscription'

import { tuningSettings } from 'modules/tuning.bicep'
import { airflowOptions, alertOptions, landingOptions, logOptions, nameOptions } from 'types.bicep'
import { networkOptions, operatorOptions, scaleOptions, storageOptions, vaultOptions } from 'types.bicep'

@description('Name of the azd environment. It names the resource group and makes the other names unique.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region of everything but an existing landing account\'s topic.')
@minLength(1)
param location string

@description('Name of the resource group to make; empty for one after the environment.')
@maxLength(90)
param resourceGroupName string = ''

@description('Tags of every resource.')
param tags object = {}

@description('Names of resources, where they must follow a rule of their own.')
param names nameOptions = {}

@description('How an event reaches the app: Event Grid calls the blob trigger, or writes to a storage queue.')
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

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: empty(resourceGroupName) ? 'rg-blob-to-dag-${environmentName}' : resourceGroupName
  location: location
  tags: union(tags, { 'azd-env-name': environmentName })
}

module app 'group.bicep' = {
  scope: group
  params: {
    environmentName: environmentName
    location: location
    tags: tags
    names: names
    eventSource: eventSource
    airflow: airflow
    landing: landing
    scale: scale
    storage: storage
    vault: vault
    logs: logs
    alerts: alerts
    operator: operator
    network: network
    tuning: tuning
  }
}

// What the hooks and docs/deploy.md need; azd keeps them in its environment. No name is one that main.bicepparam
// reads, because `azd down` removes every output from the environment.
output AZURE_RESOURCE_GROUP string = group.name
output APP_CONTAINER string = app.outputs.APP_CONTAINER
output APP_CONTAINERS array = app.outputs.APP_CONTAINERS
output APP_EVENT_SOURCE string = app.outputs.APP_EVENT_SOURCE
output APP_FUNCTION_NAME string = app.outputs.APP_FUNCTION_NAME
output APP_NAME string = app.outputs.APP_NAME
output APP_PREFIX string = app.outputs.APP_PREFIX
output APP_SECRET_NAME string = app.outputs.APP_SECRET_NAME
output DEAD_LETTER_CONTAINER string = app.outputs.DEAD_LETTER_CONTAINER
output EVENT_SUBSCRIPTION_NAME string = app.outputs.EVENT_SUBSCRIPTION_NAME
output EVENT_SUBSCRIPTION_NAMES array = app.outputs.EVENT_SUBSCRIPTION_NAMES
output HOST_STORAGE_ACCOUNT_ID string = app.outputs.HOST_STORAGE_ACCOUNT_ID
output KEY_VAULT_NAME string = app.outputs.KEY_VAULT_NAME
output LANDING_ACCOUNT_NAME string = app.outputs.LANDING_ACCOUNT_NAME
output ROLE_ASSIGNMENTS array = app.outputs.ROLE_ASSIGNMENTS
output ROLE_ASSIGNMENTS_MARK string = app.outputs.ROLE_ASSIGNMENTS_MARK
output TOPIC_NAME string = app.outputs.TOPIC_NAME
output TOPIC_RESOURCE_GROUP string = app.outputs.TOPIC_RESOURCE_GROUP
output TOPIC_SUBSCRIPTION_ID string = app.outputs.TOPIC_SUBSCRIPTION_ID
