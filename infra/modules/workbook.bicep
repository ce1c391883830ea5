// The workbook: what came and what became of it, how long it took, what waits, what is dead, and one file's story.

import { logLines } from 'log-lines.bicep'
import { charts } from 'workbook-charts.bicep'

@description('Part of names.')
param suffix string

param location string
param tags object

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

var timeRange = {
  id: guid('TimeRange')
  version: 'KqlParameterItem/1.0'
  name: 'TimeRange'
  label: 'Time'
  type: 4
  isRequired: true
  value: { durationMs: 86400000 }
  typeSettings: {
    selectableValues: [{ durationMs: 3600000 }, { durationMs: 86400000 }, { durationMs: 604800000 }]
    allowCustom: true
  }
}

var file = {
  id: guid('File')
  version: 'KqlParameterItem/1.0'
  name: 'File'
  label: 'File (part of its name)'
  type: 1
  value: ''
}

var parameters = {
  type: 9
  name: 'parameters'
  content: {
    version: 'KqlParameterItem/1.0'
    parameters: [timeRange, file]
    style: 'pills'
    queryType: 0
    resourceType: 'microsoft.operationalinsights/workspaces'
  }
}

var parts = [
  for chart in charts: {
    type: 3
    name: chart.name
    content: {
      version: 'KqlItem/1.0'
      title: chart.title
      query: '${logLines}${chart.query}'
      size: 0
      timeContextFromParameter: 'TimeRange'
      queryType: 0
      resourceType: 'microsoft.operationalinsights/workspaces'
      crossComponentResources: [workspaceId]
      visualization: chart.look
    }
  }
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, suffix, 'workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Blob to DAG'
    category: 'workbook'
    sourceId: workspaceId
    version: 'Notebook/1.0'
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat([parameters], parts)
      isLocked: false
    })
  }
}
