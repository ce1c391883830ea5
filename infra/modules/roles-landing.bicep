// Who may do what in the landing account, no wider than the watched container and the poison queue. The account
// may lie in another resource group, or subscription, than the app.

import { operatorOptions } from '../types.bicep'
import { roleDefinitions, roleIds } from 'role-ids.bicep'

param landingAccountName string
param containers array
param poisonQueue string

@description('Principal id of the app\'s identity.')
param appPrincipalId string

@allowed(['blobTrigger', 'storageQueue'])
param eventSource string

param operator operatorOptions

@description('Description of each assignment, by which hooks/roles.py finds it.')
param mark string

resource landingAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: landingAccountName
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' existing = {
  parent: landingAccount
  name: 'default'
}

resource landing 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = [
  for container in containers: {
    parent: blobService
    name: container
  }
]

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' existing = {
  parent: landingAccount
  name: 'default'
}

resource poison 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' existing = {
  parent: queueService
  name: poisonQueue
}

// The app. A blob trigger is documented to need Owner; the queue variant only reads properties of blobs.
// https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-blob-trigger
var blobRole = eventSource == 'blobTrigger' ? 'Storage Blob Data Owner' : 'Storage Blob Data Reader'

resource appOnLanding 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (container, index) in containers: {
    scope: landing[index]
    name: guid(landing[index].id, appPrincipalId, roleIds[blobRole])
    properties: {
      roleDefinitionId: subscriptionResourceId(roleDefinitions, roleIds[blobRole])
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
      description: mark
    }
  }
]

// The app: the host's poison queue is written by the host and emptied by the dispatcher, in both variants, so that
// switching over leaves nothing behind.
resource appOnPoison 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: poison
  name: guid(poison.id, appPrincipalId, roleIds['Storage Queue Data Contributor'])
  properties: {
    roleDefinitionId: subscriptionResourceId(roleDefinitions, roleIds['Storage Queue Data Contributor'])
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: mark
  }
}

// The operator: upload a file to test the deployment.
var mayUpload = operator.mayUpload && !empty(operator.principalId)
var uploads = mayUpload ? containers : []

resource operatorOnLanding 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (container, index) in uploads: {
    scope: landing[index]
    name: guid(landing[index].id, operator.principalId, roleIds['Storage Blob Data Contributor'])
    properties: {
      roleDefinitionId: subscriptionResourceId(roleDefinitions, roleIds['Storage Blob Data Contributor'])
      principalId: operator.principalId
      principalType: operator.principalType
      description: mark
    }
  }
]

var ofLanding = [for (container, index) in containers: appOnLanding[index].name]
var ofUploads = [for (container, index) in uploads: operatorOnLanding[index].name]

output assignments array = concat(ofLanding, [appOnPoison.name], ofUploads)
