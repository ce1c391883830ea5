using './main.bicep'

// What differs between environments comes from the azd environment: `azd env set NAME value`.
// What is the same everywhere is written here, in `tuning` for example.

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')
param location = readEnvironmentVariable('AZURE_LOCATION')

param airflowBaseUrl = readEnvironmentVariable('AIRFLOW_BASE_URL')
param airflowDagId = readEnvironmentVariable('AIRFLOW_DAG_ID', '')
param airflowSecretName = readEnvironmentVariable('AIRFLOW_SECRET_NAME', 'airflow-credentials')

param eventSource = readEnvironmentVariable('EVENT_SOURCE', 'blobTrigger')
param landingContainer = readEnvironmentVariable('LANDING_CONTAINER', 'landing')
param landingPrefix = readEnvironmentVariable('LANDING_PREFIX', '')
param existingLandingAccountName = readEnvironmentVariable('EXISTING_LANDING_ACCOUNT_NAME', '')
param existingLandingResourceGroup = readEnvironmentVariable('EXISTING_LANDING_RESOURCE_GROUP', '')
param existingSystemTopicName = readEnvironmentVariable('EXISTING_SYSTEM_TOPIC_NAME', '')

param storageSku = readEnvironmentVariable('STORAGE_SKU', 'Standard_ZRS')
param alwaysReadyInstances = int(readEnvironmentVariable('ALWAYS_READY_INSTANCES', '1'))
param maximumInstanceCount = int(readEnvironmentVariable('MAXIMUM_INSTANCE_COUNT', '40'))

param operatorPrincipalId = readEnvironmentVariable('OPERATOR_PRINCIPAL_ID', '')
param operatorPrincipalType = readEnvironmentVariable('OPERATOR_PRINCIPAL_TYPE', 'User')

param vaultPurgeProtection = bool(readEnvironmentVariable('VAULT_PURGE_PROTECTION', 'true'))

// App settings with another value than the app's default, such as AIRFLOW_READ_TIMEOUT_SECONDS: '60'.
param tuning = {}
