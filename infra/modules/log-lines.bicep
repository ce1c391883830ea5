// What every query of alerts and workbook begins with: the app's lines (docs/events.md) with their keys as values.
// All queries are for the workspace, whose tables also hold what Event Grid and the workspace say of themselves.

@export()
var logLines = '''
let lines = AppTraces
| where Message matches regex @'^[a-z]+\.[a-z_]+( |$)'
// `name key="text" key=1` becomes {"event":"name","key":"text","key":1}. Texts are taken whole, so none of them, such
// as the name of a file, can pass for a key.
| extend Line = replace_regex(Message, @'^(\S+)', @'{"event":"\1"')
| extend Keys = parse_json(strcat(replace_regex(Line, @' (\w+)=("(?:[^"\\]|\\.)*"|[^ "]+)', @',"\1":\2'), '}'))
| extend Event = tostring(Keys.event), Route = tostring(Keys.route), Reason = tostring(Keys.reason);
'''
