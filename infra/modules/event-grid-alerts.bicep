// The alerts on Event Grid's own metrics: what it could not hand to the app.

@description('Part of names.')
param suffix string

param tags object

@description('Where docs/operations.md is published.')
param runbook string

param topicName string
param actionGroupIds array

var rules = [
  {
    name: 'event-grid-failing'
    title: 'Event Grid cannot deliver'
    severity: 2
    metric: 'DeliveryAttemptFailCount'
    // A cold app refuses a few deliveries, which Event Grid repeats.
    threshold: 5
    window: 'PT15M'
  }
  {
    name: 'event-grid-dead-letters'
    title: 'Event Grid gave up on events, which the app takes from its dead letters'
    severity: 2
    metric: 'DeadLetteredCount'
    threshold: 0
    window: 'PT15M'
  }
  {
    name: 'event-grid-dropped'
    title: 'Event Grid dropped events'
    severity: 1
    metric: 'DroppedEventCount'
    threshold: 0
    window: 'PT15M'
  }
]

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource alerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for rule in rules: {
    name: 'alert-${rule.name}-${suffix}'
    location: 'global'
    tags: tags
    properties: {
      description: '${rule.title}. What to do: ${runbook}#${rule.name}'
      enabled: true
      severity: rule.severity
      scopes: [topic.id]
      evaluationFrequency: 'PT5M'
      windowSize: rule.window
      autoMitigate: true
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: rule.name
            metricNamespace: 'Microsoft.EventGrid/systemTopics'
            metricName: rule.metric
            timeAggregation: 'Total'
            operator: 'GreaterThan'
            threshold: rule.threshold
            skipMetricValidation: true
          }
        ]
      }
      actions: [
        for id in actionGroupIds: {
          actionGroupId: id
        }
      ]
    }
  }
]
