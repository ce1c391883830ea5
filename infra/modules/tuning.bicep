// The app settings that have a default in the app and that a deployment may change. Together with the ones
// that function.bicep always sets these are all that the app reads; a name that is in neither list does not
// compile, so a misspelt setting and a password both fail before anything is deployed.

@export()
@sealed()
type tuningSettings = {
  AIRFLOW_ALLOW_HTTP: string?
  AIRFLOW_API: string?
  AIRFLOW_AUTH: string?
  AIRFLOW_AUTH_HEADER: string?
  AIRFLOW_CA_BUNDLE: string?
  AIRFLOW_CLIENT_CERTIFICATE: string?
  AIRFLOW_CLIENT_KEY: string?
  AIRFLOW_CONNECT_TIMEOUT_SECONDS: string?
  AIRFLOW_ENTRA_SCOPE: string?
  AIRFLOW_FORMER_URLS: string?
  AIRFLOW_LOGICAL_DATE: string?
  AIRFLOW_MAX_CONCURRENCY: string?
  AIRFLOW_MAX_QUEUED_RUNS: string?
  AIRFLOW_OAUTH_SCOPE: string?
  AIRFLOW_OAUTH_TOKEN_URL: string?
  AIRFLOW_READ_TIMEOUT_SECONDS: string?
  AIRFLOW_RETRY_BUDGET_SECONDS: string?
  AIRFLOW_ROUTES: string?
  AIRFLOW_TRUST_ENV: string?
  AIRFLOW_WHEN_PAUSED: string?
  CONF_MAX_BYTES: string?
  MISSING_DAG_MAX_AGE: string?
  RECONCILE_EVERY: string?
  RECONCILE_WINDOW: string?
  ROUTES_BLOB: string?
  ROUTES_FILE: string?
}
