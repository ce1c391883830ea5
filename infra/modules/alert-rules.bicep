// The alerts that are queries. docs/operations.md has a section for each, by its name.
//
// Each is asked every five minutes about the rows of the last `window`. It fires for each value of the columns
// `dimensions` for which there is a row, or for which the column `measure` is above the threshold that alerts.bicep
// has for it, and is resolved when that is no longer so.

@export()
var alertRules = [
  {
    name: 'rows-too-old'
    title: 'Events wait too long'
    severity: 2
    window: 'PT10M'
    measure: 'Minutes'
    dimensions: ['Route', 'Hold', 'Owner']
    // While everything is on hold, that has an alert of its own.
    query: '''
let shut = lines
| where Event in ('hold.lasting', 'hold.ended') and Keys.lane == 'everything' and TimeGenerated > ago(15m)
| summarize arg_max(TimeGenerated, Event)
| where Event == 'hold.lasting'
| project Shut = 1;
lines
| where Event == 'outbox.state' and TimeGenerated > ago(10m)
| summarize arg_max(TimeGenerated, Keys) by Route
| extend Minutes = toreal(Keys.oldest_seconds) / 60, Hold = tostring(Keys.hold), Owner = tostring(Keys.owner), Shut = 1
| where isnotnull(Minutes)
| join kind=leftanti shut on Shut
| project TimeGenerated, Route, Hold, Owner, Minutes
'''
  }
  {
    name: 'told-rows-too-old'
    title: 'Events wait for long because they were told to'
    severity: 3
    window: 'PT10M'
    measure: 'Hours'
    dimensions: ['Route', 'Hold', 'Owner']
    query: '''
lines
| where Event == 'outbox.state' and TimeGenerated > ago(10m)
| summarize arg_max(TimeGenerated, Keys) by Route
| extend Hours = toreal(Keys.told_oldest_seconds) / 3600, Hold = tostring(Keys.hold), Owner = tostring(Keys.owner)
| where isnotnull(Hours)
| project TimeGenerated, Route, Hold, Owner, Hours
'''
  }
  {
    name: 'dead-letter'
    title: 'Events can never be delivered'
    severity: 1
    window: 'PT10M'
    // Their number is a dimension, so that a new dead letter is told although older ones still lie there.
    dimensions: ['Route', 'Dead', 'Owner']
    query: '''
lines
| where Event == 'outbox.state' and TimeGenerated > ago(10m)
| summarize arg_max(TimeGenerated, Keys) by Route
| where toint(Keys.dead) > 0
| project TimeGenerated, Route, Dead = tostring(Keys.dead), Owner = tostring(Keys.owner)
'''
  }
  {
    name: 'airflow-down'
    title: 'Airflow takes no runs'
    severity: 1
    window: 'PT15M'
    dimensions: ['Reason']
    // A restart of Airflow is over in five minutes.
    query: '''
lines
| where Event in ('hold.lasting', 'hold.ended') and Keys.lane == 'everything'
| summarize arg_max(TimeGenerated, Event, Reason, Keys)
| where Event == 'hold.lasting' and todatetime(Keys.since) < ago(5m)
| where Reason !in ('credentials_refused', 'vault_unavailable', 'misconfigured')
| project TimeGenerated, Reason
'''
  }
  {
    name: 'log-in-refused'
    title: 'Airflow refuses the log-in'
    severity: 1
    window: 'PT15M'
    dimensions: []
    query: '''
lines
| where Event in ('hold.lasting', 'hold.ended') and Keys.lane == 'everything'
| summarize arg_max(TimeGenerated, Event, Reason)
| where Event == 'hold.lasting' and Reason == 'credentials_refused'
'''
  }
  {
    name: 'vault-unavailable'
    title: 'Key Vault does not give the credentials'
    severity: 1
    window: 'PT15M'
    dimensions: []
    // One failure is a hiccup: while the vault is away, calls say so every half minute.
    query: '''
lines
| where Event in ('secret.unavailable', 'secret.stale')
| summarize Failures = count(), TimeGenerated = max(TimeGenerated)
| where Failures > 2
'''
  }
  {
    name: 'misconfigured'
    title: 'The settings are unusable'
    severity: 1
    window: 'PT15M'
    dimensions: []
    // The settings of the app, or the secret: what is in it is not a log-in.
    query: '''
let secret = lines
| where Event in ('hold.started', 'hold.lasting', 'hold.ended') and Keys.lane == 'everything'
| summarize arg_max(TimeGenerated, Event, Reason)
| where Event != 'hold.ended' and Reason == 'misconfigured'
| project TimeGenerated;
lines
| where Event == 'app.misconfigured' and TimeGenerated > ago(10m)
| project TimeGenerated
| union secret
'''
  }
  {
    name: 'routes-rejected'
    title: 'New routes have a fault, or cannot be read'
    severity: 2
    window: 'P1D'
    dimensions: []
    // A fault is said once by each instance for each version; that the blob cannot be read, each minute.
    query: '''
let unreadable = lines
| where Event == 'routes.unreadable' and TimeGenerated > ago(15m)
| summarize Times = count(), TimeGenerated = max(TimeGenerated)
| where Times > 9
| project TimeGenerated;
lines
| where Event in ('routes.loaded', 'routes.rejected')
| summarize arg_max(TimeGenerated, Event)
| where Event == 'routes.rejected'
| project TimeGenerated
| union unreadable
'''
  }
  {
    name: 'no-dispatcher'
    title: 'The dispatcher does not run'
    severity: 1
    window: 'P1D'
    dimensions: []
    // Its lines come every five minutes, and take a few to arrive. None arrives past the workspace's daily cap.
    query: '''
let capped = Operation
| where Detail has 'OverQuota' or Detail has 'RespectQuota'
| summarize arg_max(TimeGenerated, Detail)
| where Detail has 'OverQuota'
| project Sign = 'capped';
lines
| where Event in ('outbox.state', 'app.misconfigured') and TimeGenerated > ago(15m)
| project Sign = Event
| union capped
| summarize Signs = count()
| where Signs == 0
'''
  }
  {
    name: 'row-overdue'
    title: 'Events that are due are not sent'
    severity: 2
    window: 'PT10M'
    dimensions: ['Route']
    query: '''
lines
| where Event == 'outbox.late'
| project TimeGenerated, Route
'''
  }
  {
    name: 'invocations-failing'
    title: 'Invocations of the app fail'
    severity: 1
    window: 'PT15M'
    dimensions: []
    // The platform calls again: a few failures are its own restarts.
    query: '''
AppRequests
| where Success == false
| summarize Failures = count(), TimeGenerated = max(TimeGenerated)
| where Failures > 5
'''
  }
  {
    name: 'app-fault'
    title: 'The app has a fault'
    severity: 2
    window: 'PT15M'
    dimensions: []
    query: '''
lines
| where Event == 'drain.failed'
'''
  }
  {
    name: 'daily-cap'
    title: 'The workspace takes no more logs today'
    severity: 2
    window: 'P1D'
    dimensions: []
    query: '''
Operation
| where Detail has 'OverQuota' or Detail has 'RespectQuota'
| summarize arg_max(TimeGenerated, Detail)
| where Detail has 'OverQuota'
'''
  }
  {
    name: 'secret-expires'
    title: 'The credentials of Airflow expire soon'
    severity: 2
    window: 'P2D'
    dimensions: ['Days']
    query: '''
lines
| where Event in ('secret.read', 'secret.expires_soon')
| extend Version = tostring(Keys.version), Days = toint(Keys.days)
| summarize TimeGenerated = max(TimeGenerated), Days = min(Days) by Version
| top 1 by TimeGenerated
| where isnotnull(Days)
| project TimeGenerated, Days = tostring(Days)
'''
  }
]

// A feed whose files did not come by their time. alerts.bicep puts the feed's own values in.
@export()
var feedQuery = '''
let due = startofday(now()) + time(<time>:00);
lines
| where Event == 'run.created' and Route == '<route>' and TimeGenerated > due - <hours>h
| summarize Files = count()
| where Files == 0 and now() > due and dayofweek(now()) in (<days>)
'''
