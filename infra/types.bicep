// What can be chosen, by what it is about: the parameters of main.bicep and group.bicep. infra/main.bicepparam
// has the defaults. The types are sealed: a misspelt name does not compile.

@minLength(1)
type baseUrlValue = string

@minLength(1)
type secretNameValue = string

@minValue(0)
@maxValue(100000)
type maxRunsPerMinuteValue = int

@minValue(1)
@maxValue(1000)
type maximumInstanceCountValue = int

@minValue(0)
@maxValue(20)
type alwaysReadyInstancesValue = int

@minValue(30)
@maxValue(1000)
type threadCountValue = int

@minValue(7)
@maxValue(365)
type softDeleteDaysValue = int

@minValue(30)
@maxValue(730)
type retentionDaysValue = int

@minValue(-1)
type dailyQuotaGbValue = int

type storageSkuValue = 'Standard_LRS' | 'Standard_ZRS' | 'Standard_GRS' | 'Standard_GZRS'
type vaultModeValue = 'default' | 'recover'
type principalTypeValue = 'User' | 'Group' | 'ServicePrincipal'
type tableAccessValue = 'none' | 'read' | 'write'
type zoneOriginValue = 'create' | 'existing' | 'none'

@minValue(1)
type positiveValue = int

@export()
@sealed()
type airflowOptions = {
  // Address of Airflow's web server, with its path if it has one.
  baseUrl: baseUrlValue

  // The DAG that every blob starts; empty where the routes say it.
  dagId: string

  // Name of the vault's secret with the credentials of Airflow, never its value.
  secretName: secretNameValue

  // Most runs a minute over all instances, so that an uploader cannot flood Airflow; 0 for no such cap.
  maxRunsPerMinute: maxRunsPerMinuteValue
}

@export()
@sealed()
type landingOptions = {
  // Containers that files land in, each with an event subscription. `[landing] watch` in the routes names the same.
  containers: array

  // Only blobs whose names begin so are seen, such as incoming/; empty for all.
  prefix: string

  // A storage account that is there already; empty to make one.
  accountName: string

  // Resource group of the existing account.
  resourceGroup: string

  // Subscription id of the existing account; empty for the app's own.
  subscriptionId: string

  // The system topic that the existing account has already, if it has one.
  topicName: string

  // Whether a new account is a Data Lake Storage Gen2 one. Cannot be changed later.
  hierarchicalNamespace: bool
}

@export()
@sealed()
type scaleOptions = {
  // Memory of one instance, in MB: 512, 2048 or 4096.
  instanceMemoryMB: int

  // Most instances at a time.
  maximumInstanceCount: maximumInstanceCountValue

  // Instances of each group of functions that stay warm, and are paid for, all day.
  alwaysReadyInstances: alwaysReadyInstancesValue

  // Threads of one Python worker; at least the parallelism that host.json allows.
  threadCount: threadCountValue

  // Spreads the app over availability zones.
  zoneRedundant: bool
}

@export()
@sealed()
type storageOptions = {
  // Redundancy of the accounts that are made. Standard_LRS where the region has no zones.
  sku: storageSkuValue

  // For how long deleted blobs can be brought back, in days.
  softDeleteDays: softDeleteDaysValue

  // Puts a lock on the accounts that are made, so that nobody deletes one by mistake.
  locked: bool
}

@export()
@sealed()
type vaultOptions = {
  // Keeps a deleted vault for 90 days against everyone. Off only for try-outs that are removed again.
  purgeProtection: bool

  // `recover` brings back the vault that `azd down` deleted.
  createMode: vaultModeValue
}

@export()
@sealed()
type logOptions = {
  // How long logs are kept, in days.
  retentionDays: retentionDaysValue

  // Most log data a day, in GB; -1 for no limit.
  dailyQuotaGb: dailyQuotaGbValue

  // Ships what Application Insights has (AppTraces) a second time, to FunctionAppLogs, where it is paid again.
  functionAppLogs: bool
}

@export()
@sealed()
type alertOptions = {
  // Who is told by e-mail. Without anyone here or in `actionGroupIds` there are no alerts.
  emails: array

  // Resource ids of action groups that are there.
  actionGroupIds: array

  // Where docs/operations.md is published; every alert links to its section.
  runbook: string

  // How old the oldest event that waits may be.
  oldestRowMinutes: positiveValue

  // The same for events that were told to wait, such as by a person's hold.
  toldRowHours: positiveValue

  // Files that must have come by a time in UTC, on some days, and no more than some hours before, such as
  // { route: 'orders', time: '06:30', days: ['Monday', 'Friday'], hours: 12 }.
  feeds: array
}

@export()
@sealed()
type operatorOptions = {
  // Object id of the person, group or principal that stores credentials in the vault; empty for none.
  principalId: string

  principalType: principalTypeValue

  // Lets the operator upload files into the landing container.
  mayUpload: bool

  // The tables of waiting, dead and settled events: `read` to look, `write` for holds and replays.
  tables: tableAccessValue

  // Lets the operator write the blob with the routes, and so choose which DAGs run.
  mayPushRoutes: bool
}

@export()
@sealed()
type networkOptions = {
  // Sends the app's calls through a virtual network, and closes storage and vault to all others.
  private: bool

  // Addresses of the network that is made: at least a /26, half of it for the app.
  addressPrefix: string

  // Resource id of a subnet that is there, delegated to Microsoft.App/environments; empty to make a network.
  appSubnetId: string

  // Resource id of a subnet that is there for private endpoints; needed with appSubnetId.
  endpointSubnetId: string

  // `create` makes the DNS zones and links them, `existing` takes those of dnsZoneGroupId, `none` leaves DNS to a policy.
  dnsZones: zoneOriginValue

  // Resource id of the group with the DNS zones that are there.
  dnsZoneGroupId: string

  // Public addresses (CIDR) of operators, who pass the firewalls of storage and vault.
  operatorAddressRanges: array

  // Public addresses (CIDR) besides Event Grid that may call the app.
  callerAddressRanges: array
}

@export()
@sealed()
type nameOptions = {
  app: string?
  hostAccount: string?
  identity: string?
  insights: string?
  landingAccount: string?
  network: string?
  plan: string?
  topic: string?
  vault: string?
  workspace: string?
}
