// A landing account that is there already: only read, never changed.

param name string

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: name
}

output id string = account.id
output location string = account.location
output blobEndpoint string = account.properties.primaryEndpoints.blob
output queueEndpoint string = account.properties.primaryEndpoints.queue
