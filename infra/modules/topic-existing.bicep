// A system topic that is there already (an account has one at most). It must have a system-assigned identity.

param name string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: name
}

output name string = topic.name
output principalId string = topic.identity.principalId
