// The parts of the workbook, from top to bottom. `look` is how the workbook draws the rows.

@export()
var charts = [
  {
    name: 'files'
    title: 'Files by route and outcome'
    look: 'barchart'
    query: '''
lines
| where Event in ('run.created', 'run.already_there', 'run.dropped', 'run.waiting', 'run.dead')
| extend Outcome = strcat(iff(isempty(Route), '-', Route), ': ', replace_string(Event, 'run.', ''))
| summarize Files = dcount(tostring(Keys.blob)) by bin(TimeGenerated, 1h), Outcome
| order by TimeGenerated asc, Outcome asc
'''
  }
  {
    name: 'latency'
    title: 'Seconds from upload to run: p50, p95, p99'
    look: 'linechart'
    query: '''
lines
| where Event == 'run.created'
| extend Seconds = toreal(Keys.seconds)
| where isnotnull(Seconds)
| summarize P50 = percentile(Seconds, 50), P95 = percentile(Seconds, 95), P99 = percentile(Seconds, 99) by bin(TimeGenerated, 1h)
| order by TimeGenerated asc
'''
  }
  {
    name: 'waiting'
    title: 'What waits, and why'
    look: 'table'
    query: '''
let reasons = lines
| where Event == 'run.waiting'
| summarize arg_max(TimeGenerated, Reason) by Route
| project Route, LastReason = Reason;
lines
| where Event == 'outbox.state' and TimeGenerated > ago(10m)
| summarize arg_max(TimeGenerated, Keys) by Route
| extend Rows = toint(Keys.rows), ToldToWait = toint(Keys.told_rows), Dead = toint(Keys.dead)
| extend OldestMinutes = round(toreal(Keys.oldest_seconds) / 60, 1), Hold = tostring(Keys.hold)
| where Rows > 0 or Dead > 0
| join kind=leftouter reasons on Route
| project Route, Rows, ToldToWait, OldestMinutes, Hold, LastReason, Dead
| order by Rows desc
'''
  }
  {
    name: 'dead'
    title: 'Dead letters by reason'
    look: 'table'
    query: '''
lines
| where Event in ('run.dead', 'event.unreadable')
| extend Why = iff(Event == 'event.unreadable', 'unreadable', Reason), File = tostring(Keys.blob)
| summarize Letters = count(), Last = max(TimeGenerated), arg_max(TimeGenerated, File, Keys) by Why, Route
| project Why, Route, Letters, Last, File, Message = tostring(Keys.message)
| order by Letters desc
'''
  }
  {
    name: 'story'
    title: 'The story of a file'
    look: 'table'
    query: '''
lines
| where isnotempty('{File}') and tostring(Keys.blob) contains '{File}'
| order by TimeGenerated asc
| project TimeGenerated, File = tostring(Keys.blob), Event, Route, Reason, Run = tostring(Keys.run_id), Message = tostring(Keys.message), OperationId
| take 1000
'''
  }
]
