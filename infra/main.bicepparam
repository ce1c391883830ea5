using './main.bicep'

// What differs between environments comes from the azd environment: `azd env set NAME value`. What is the same
// everywhere is written here, in `tuning` for example. Lists are separated by commas.

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')
param location = readEnvironmentVariable('AZURE_LOCATION')
param resourceGroupName = readEnvironmentVariable('NEW_RESOURCE_GROUP_NAME', '')
param eventSource = readEnvironmentVariable('EVENT_SOURCE', 'blobTrigger')

// For cost centres and owners, such as { owner: 'data-platform' }.
param tags = {}

// Names of resources where a rule asks for others, such as { app: 'func-loader-prod' }.
param names = {}

// App settings with another value than the app's default, such as AIRFLOW_READ_TIMEOUT_SECONDS: '60'.
param tuning = {}

param airflow = {
  baseUrl: readEnvironmentVariable('AIRFLOW_BASE_URL')
  dagId: readEnvironmentVariable('AIRFLOW_DAG_ID', '')
  secretName: readEnvironmentVariable('AIRFLOW_SECRET_NAME', 'airflow-credentials')
  maxRunsPerMinute: int(readEnvironmentVariable('AIRFLOW_MAX_RUNS_PER_MINUTE', '600'))
}

param landing = {
  containers: split(readEnvironmentVariable('LANDING_CONTAINERS', 'landing'), ',')
  prefix: readEnvironmentVariable('LANDING_PREFIX', '')
  accountName: readEnvironmentVariable('EXISTING_LANDING_ACCOUNT_NAME', '')
  resourceGroup: readEnvironmentVariable('EXISTING_LANDING_RESOURCE_GROUP', '')
  subscriptionId: readEnvironmentVariable('EXISTING_LANDING_SUBSCRIPTION_ID', '')
  topicName: readEnvironmentVariable('EXISTING_SYSTEM_TOPIC_NAME', '')
  hierarchicalNamespace: bool(readEnvironmentVariable('LANDING_HIERARCHICAL_NAMESPACE', 'false'))
}

param scale = {
  instanceMemoryMB: int(readEnvironmentVariable('INSTANCE_MEMORY_MB', '512'))
  maximumInstanceCount: int(readEnvironmentVariable('MAXIMUM_INSTANCE_COUNT', '40'))
  alwaysReadyInstances: int(readEnvironmentVariable('ALWAYS_READY_INSTANCES', '1'))
  threadCount: 32
  zoneRedundant: bool(readEnvironmentVariable('ZONE_REDUNDANT', 'false'))
}

param storage = {
  sku: readEnvironmentVariable('STORAGE_SKU', 'Standard_ZRS')
  softDeleteDays: 14
  locked: bool(readEnvironmentVariable('STORAGE_LOCKED', 'false'))
}

param vault = {
  purgeProtection: bool(readEnvironmentVariable('VAULT_PURGE_PROTECTION', 'true'))
  createMode: readEnvironmentVariable('VAULT_CREATE_MODE', 'default')
}

param logs = {
  retentionDays: int(readEnvironmentVariable('LOG_RETENTION_DAYS', '30'))
  dailyQuotaGb: int(readEnvironmentVariable('LOG_DAILY_QUOTA_GB', '5'))
  functionAppLogs: bool(readEnvironmentVariable('FUNCTION_APP_LOGS', 'false'))
}

var alertEmails = readEnvironmentVariable('ALERT_EMAILS', '')
var alertGroups = readEnvironmentVariable('ALERT_ACTION_GROUP_IDS', '')

param alerts = {
  emails: empty(alertEmails) ? [] : split(alertEmails, ',')
  actionGroupIds: empty(alertGroups) ? [] : split(alertGroups, ',')
  runbook: readEnvironmentVariable('ALERT_RUNBOOK', 'docs/operations.md')
  oldestRowMinutes: int(readEnvironmentVariable('ALERT_OLDEST_ROW_MINUTES', '30'))
  toldRowHours: int(readEnvironmentVariable('ALERT_TOLD_ROW_HOURS', '24'))
  // Files that must have come by a time (UTC), such as
  // { route: 'orders', time: '06:30', days: ['Monday', 'Friday'], hours: 12 }
  feeds: []
}

param operator = {
  principalId: readEnvironmentVariable('OPERATOR_PRINCIPAL_ID', '')
  principalType: readEnvironmentVariable('OPERATOR_PRINCIPAL_TYPE', 'User')
  mayUpload: bool(readEnvironmentVariable('OPERATOR_MAY_UPLOAD', 'false'))
  tables: readEnvironmentVariable('OPERATOR_TABLES', 'read')
  mayPushRoutes: bool(readEnvironmentVariable('OPERATOR_MAY_PUSH_ROUTES', 'false'))
}

var operatorAddresses = readEnvironmentVariable('OPERATOR_ADDRESS_RANGES', '')
var callerAddresses = readEnvironmentVariable('CALLER_ADDRESS_RANGES', '')

param network = {
  private: bool(readEnvironmentVariable('PRIVATE_NETWORK', 'false'))
  addressPrefix: readEnvironmentVariable('NETWORK_ADDRESS_PREFIX', '10.100.0.0/24')
  appSubnetId: readEnvironmentVariable('EXISTING_APP_SUBNET_ID', '')
  endpointSubnetId: readEnvironmentVariable('EXISTING_ENDPOINT_SUBNET_ID', '')
  dnsZones: readEnvironmentVariable('DNS_ZONES', 'create')
  dnsZoneGroupId: readEnvironmentVariable('EXISTING_DNS_ZONE_GROUP_ID', '')
  operatorAddressRanges: empty(operatorAddresses) ? [] : split(operatorAddresses, ',')
  callerAddressRanges: empty(callerAddresses) ? [] : split(callerAddresses, ',')
}
