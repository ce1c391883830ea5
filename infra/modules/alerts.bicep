// The alerts that are queries of the workspace: those of alert-rules.bicep, and one for each feed.

import { alertOptions } from '../types.bicep'
import { alertRules, feedQuery } from 'alert-rules.bicep'
import { logLines } from 'log-lines.bicep'

@description('Part of names.')
param suffix string

param location string
param tags object
param options alertOptions

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

param actionGroupIds array

// Of the rules that compare a column; the others count rows.
var thresholds = {
  'rows-too-old': options.oldestRowMinutes
  'told-rows-too-old': options.toldRowHours
}

var weekdays = {
  Sunday: '0d'
  Monday: '1d'
  Tuesday: '2d'
  Wednesday: '3d'
  Thursday: '4d'
  Friday: '5d'
  Saturday: '6d'
}

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in alertRules: {
    name: 'alert-${rule.name}-${suffix}'
    location: location
    tags: tags
    properties: {
      displayName: 'Blob to DAG: ${rule.title}'
      description: 'What to do: ${options.runbook}#${rule.name}'
      enabled: true
      severity: rule.severity
      scopes: [workspaceId]
      evaluationFrequency: 'PT5M'
      windowSize: rule.window
      // The tables of a new workspace come with their first rows.
      skipQueryValidation: true
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: '${logLines}${rule.query}'
            timeAggregation: contains(rule, 'measure') ? 'Maximum' : 'Count'
            metricMeasureColumn: rule.?measure
            operator: 'GreaterThan'
            threshold: thresholds[?rule.name] ?? 0
            dimensions: map(rule.dimensions, name => { name: name, operator: 'Include', values: ['*'] })
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: actionGroupIds
      }
    }
  }
]

var feedQueries = [
  for feed in options.feeds: replace(replace(feedQuery, '<route>', feed.route), '<time>', feed.time)
]

var feedDays = [
  for feed in options.feeds: join(map(feed.days, day => weekdays[day]), ', ')
]

resource feedRules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for (feed, index) in options.feeds: {
    name: 'alert-feed-late-${index}-${suffix}'
    location: location
    tags: tags
    properties: {
      displayName: 'Blob to DAG: the feed ${feed.route} did not come by ${feed.time} UTC'
      description: 'What to do: ${options.runbook}#feed-late'
      enabled: true
      severity: 2
      scopes: [workspaceId]
      evaluationFrequency: 'PT5M'
      windowSize: 'P2D'
      skipQueryValidation: true
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: '${logLines}${replace(replace(feedQueries[index], '<hours>', string(feed.hours)), '<days>', feedDays[index])}'
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: actionGroupIds
      }
    }
  }
]
