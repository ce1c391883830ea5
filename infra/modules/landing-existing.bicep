// A landing account that is there already. Only the host's poison queue is made in it, because the app gets no
// right to make one.

param name string
param poisonQueue string

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: name
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' existing = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = {
  parent: queueService
  name: poisonQueue
}

output id string = account.id
output location string = account.location
output blobEndpoint string = account.properties.primaryEndpoints.blob
output queueEndpoint string = account.properties.primaryEndpoints.queue
