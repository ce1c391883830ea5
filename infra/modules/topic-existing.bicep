// A system topic that is there already (an account has one at most).

param name string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: name
}

var missing = 'The system topic ${name} has no system-assigned identity. Give it one: az eventgrid system-topic update --name ${name} --resource-group ${resourceGroup().name} --identity systemassigned'

output name string = topic.name
output principalId string = topic.?identity.?principalId ?? fail(missing)
