// Logs and telemetry. Both refuse keys: who writes needs a role.

param workspaceName string
param insightsName string
param location string
param tags object

@description('How long logs are kept, in days.')
param retentionInDays int

@description('Most that is taken in per day, in GB; -1 for no limit. Past it logs are lost and log alerts are blind.')
param dailyQuotaGb int

var features = {
  disableLocalAuth: true
  enableLogAccessUsingOnlyResourcePermissions: true
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionInDays
    workspaceCapping: {
      dailyQuotaGb: dailyQuotaGb
    }
    features: features
  }
}

// The daily cap stops every table of a workspace, so a flood of lines would hide who read the credentials. What is
// kept here is a few lines an hour, and has no cap.
resource auditWorkspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: '${workspaceName}-audit'
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionInDays
    features: features
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

output workspaceId string = workspace.id
output auditWorkspaceId string = auditWorkspace.id
output insightsName string = insights.name
