// Who may do what in the landing account. It may lie in another resource group than the app.

import { roleDefinitions, roleIds } from 'role-ids.bicep'

param landingAccountName string

@description('Principal id of the app\'s identity.')
param appPrincipalId string

@allowed(['blobTrigger', 'storageQueue'])
param eventSource string

@description('Object id of a person, group or principal that operates the app; empty for none.')
param operatorPrincipalId string

@allowed(['User', 'Group', 'ServicePrincipal'])
param operatorPrincipalType string

resource landingAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: landingAccountName
}

// The app. A blob trigger is documented to need Owner; the queue variant only reads properties of blobs. The
// host's poison queue is emptied in both, so that switching over leaves nothing behind.
// https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-blob-trigger
var blobRole = eventSource == 'blobTrigger' ? 'Storage Blob Data Owner' : 'Storage Blob Data Reader'
var appRoles = [blobRole, 'Storage Queue Data Contributor']

resource appOnLanding 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in appRoles: {
    scope: landingAccount
    name: guid(landingAccount.id, appPrincipalId, roleIds[role])
    properties: {
      roleDefinitionId: subscriptionResourceId(roleDefinitions, roleIds[role])
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
    }
  }
]

// The operator: upload a file to test the deployment.
resource operatorOnLanding 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operatorPrincipalId)) {
  scope: landingAccount
  name: guid(landingAccount.id, operatorPrincipalId, roleIds['Storage Blob Data Contributor'])
  properties: {
    roleDefinitionId: subscriptionResourceId(roleDefinitions, roleIds['Storage Blob Data Contributor'])
    principalId: operatorPrincipalId
    principalType: operatorPrincipalType
  }
}
