// The one identity of the app: for its own storage, the landing account, the vault and its telemetry.
// User-assigned, so that it outlives the app and its roles are there before the app starts.

param name string
param location string
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

output id string = identity.id
output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
