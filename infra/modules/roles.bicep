// Who may do what in the app's own resource group. The landing account's roles are in roles-landing.bicep;
// docs/deploy.md says what each is for.

import { operatorOptions } from '../types.bicep'
import { roleDefinitions, roleIds } from 'role-ids.bicep'

@description('Principal id of the app\'s identity.')
param appPrincipalId string

@description('Principal id of the system topic\'s own identity.')
param topicPrincipalId string

param operator operatorOptions

@description('Description of each assignment, by which hooks/roles.py finds it.')
param mark string

param hostAccountName string
param deadLetterContainer string
param routesContainer string

@allowed(['blobTrigger', 'storageQueue'])
param eventSource string

@description('Queue that Event Grid writes to in the queue variant.')
param eventQueue string

@description('Tables of waiting, dead and settled events.')
param tables array

param vaultName string
param insightsName string

resource hostAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: hostAccountName
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' existing = {
  parent: hostAccount
  name: 'default'
}

resource deadLetters 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  parent: blobService
  name: deadLetterContainer
}

resource routes 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  parent: blobService
  name: routesContainer
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' existing = {
  parent: hostAccount
  name: 'default'
}

resource events 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' existing = {
  parent: queueService
  name: eventQueue
}

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2025-06-01' existing = {
  parent: hostAccount
  name: 'default'
}

resource eventTable 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-06-01' existing = [
  for table in tables: {
    parent: tableService
    name: table
  }
]

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

// The app: its own storage (code, locks, event queue, outbox, dead letters, host diagnostics).
var hostAccountRoles = [
  'Storage Blob Data Owner'
  'Storage Queue Data Contributor'
  'Storage Table Data Contributor'
]

resource appOnHostAccount 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in hostAccountRoles: {
    scope: hostAccount
    name: guid(hostAccount.id, appPrincipalId, roleIds[role])
    properties: {
      roleDefinitionId: subscriptionResourceId(roleDefinitions, roleIds[role])
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
      description: mark
    }
  }
]

// The app: read the credentials of Airflow.
resource appOnVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, appPrincipalId, roleIds['Key Vault Secrets User'])
  properties: {
    roleDefinitionId: subscriptionResourceId(roleDefinitions, roleIds['Key Vault Secrets User'])
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: mark
  }
}

// The app: write telemetry.
resource appOnInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: insights
  name: guid(insights.id, appPrincipalId, roleIds['Monitoring Metrics Publisher'])
  properties: {
    roleDefinitionId: subscriptionResourceId(roleDefinitions, roleIds['Monitoring Metrics Publisher'])
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: mark
  }
}

// Event Grid: write what it could not deliver, into this one container.
resource topicOnDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: deadLetters
  name: guid(deadLetters.id, topicPrincipalId, roleIds['Storage Blob Data Contributor'])
  properties: {
    roleDefinitionId: subscriptionResourceId(roleDefinitions, roleIds['Storage Blob Data Contributor'])
    principalId: topicPrincipalId
    principalType: 'ServicePrincipal'
    description: mark
  }
}

// Event Grid: put events into this one queue.
resource topicOnEventQueue 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (eventSource == 'storageQueue') {
  scope: events
  name: guid(events.id, topicPrincipalId, roleIds['Storage Queue Data Message Sender'])
  properties: {
    roleDefinitionId: subscriptionResourceId(roleDefinitions, roleIds['Storage Queue Data Message Sender'])
    principalId: topicPrincipalId
    principalType: 'ServicePrincipal'
    description: mark
  }
}

// The operator: put the credentials into the vault, and change them.
resource operatorOnVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operator.principalId)) {
  scope: vault
  name: guid(vault.id, operator.principalId, roleIds['Key Vault Secrets Officer'])
  properties: {
    roleDefinitionId: subscriptionResourceId(roleDefinitions, roleIds['Key Vault Secrets Officer'])
    principalId: operator.principalId
    principalType: operator.principalType
    description: mark
  }
}

// The operator: look at what waits and what is dead; with `write` hold, replay and drop it, too.
var hasTables = operator.tables != 'none' && !empty(operator.principalId)
var tableRole = operator.tables == 'write' ? 'Storage Table Data Contributor' : 'Storage Table Data Reader'
var shownTables = hasTables ? tables : []

resource operatorOnTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (table, index) in shownTables: {
    scope: eventTable[index]
    name: guid(eventTable[index].id, operator.principalId, roleIds[tableRole])
    properties: {
      roleDefinitionId: subscriptionResourceId(roleDefinitions, roleIds[tableRole])
      principalId: operator.principalId
      principalType: operator.principalType
      description: mark
    }
  }
]

// The operator: write the blob with the routes, and so choose which DAGs run; a role of its own for that.
var mayPushRoutes = operator.mayPushRoutes && !empty(operator.principalId)

resource operatorOnRoutes 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (mayPushRoutes) {
  scope: routes
  name: guid(routes.id, operator.principalId, roleIds['Storage Blob Data Contributor'])
  properties: {
    roleDefinitionId: subscriptionResourceId(roleDefinitions, roleIds['Storage Blob Data Contributor'])
    principalId: operator.principalId
    principalType: operator.principalType
    description: mark
  }
}

var ofHostAccount = [for (role, index) in hostAccountRoles: appOnHostAccount[index].name]
var ofTables = [for (table, index) in shownTables: operatorOnTables[index].name]
var ofEventQueue = eventSource == 'storageQueue' ? [topicOnEventQueue.name] : []
var ofOperator = empty(operator.principalId) ? [] : [operatorOnVault.name]
var ofRoutes = mayPushRoutes ? [operatorOnRoutes.name] : []
var ofOthers = [appOnVault.name, appOnInsights.name, topicOnDeadLetters.name]

output assignments array = concat(ofHostAccount, ofOthers, ofEventQueue, ofOperator, ofTables, ofRoutes)
