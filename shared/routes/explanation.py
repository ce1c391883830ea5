"""`explanation`: the verdicts of the routes on one blob, as text."""

import json
from collections.abc import Iterator, Sequence

from shared.model.batch import Batch
from shared.model.blob_event import BlobEvent
from shared.model.conf import CONF_LIMIT_BYTES, encode_conf
from shared.model.errors import BadConf
from shared.routes.batching import Batching
from shared.routes.completeness import DEFAULTS
from shared.routes.keys import shown_time
from shared.routes.matcher import Subject
from shared.routes.table import IGNORED, RouteTable, Verdict

_COMPLETE = "complete."


def explanation(table: RouteTable, event: BlobEvent, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Return the lines: each route's verdict with its reason, and the runs that would start."""
    subject = Subject(event.path)
    runs = 0
    for verdict in verdicts:
        route = verdict.route
        where = f"{route.name} (line {route.line})" if route.line else route.name
        if verdict.captures is None:
            yield f"{where}: no, {route.match.why_not(subject)}"
        elif verdict.refusal is not None:
            yield f"{where}: no, {_reason(verdict.refusal)}"
        else:
            runs += 1
            yield f"{where}: fires{'' if route.enabled else ', but its runs wait, because enabled = false'}"
            yield from _run(verdict, event)
    if rest := [route.name for route in table.routes[len(verdicts) :]]:
        yield f"not tried, because {verdicts[-1].route.name} ends the search: {', '.join(rest)}"
    for route, file in table.files_of(event.path):
        yield f"{route.name} (line {route.line}): a companion of {file}, whose run it starts if that waits"
    yield f"{runs} run{'s' * (runs != 1)}"


def _run(verdict: Verdict, event: BlobEvent) -> Iterator[str]:
    run = verdict.route.request(event, verdict.captures or {})
    yield f"  DAG     {run.dag_id}"
    if run.route_id != run.route:
        yield f"  id      {run.route_id}, of the route, in the run id"
    batching = verdict.route.batch
    if batching and run.batch is not None:
        yield f"  batch   {_complete(batching)}, with the other files of {run.lane.group or run.route}"
        batch = Batch.of([event], key=run.batch, part=1)
        run = run.with_batch(batch, "made of all files of the batch")
    yield f"  run id  {run.run_id}"
    if verdict.route.owner:
        yield f"  owner   {verdict.route.owner}"
    if run.logical_date:
        yield f"  date    {run.logical_date.isoformat()}"
    for path in run.requires:
        yield f"  needs   {path}, within {shown_time(verdict.route.requires_within)}, and not older"
    if run.is_ordered:
        yield f"  order   one after another, with the other runs of {run.group or run.route}"
    try:
        conf = encode_conf(run.conf, max_bytes=CONF_LIMIT_BYTES)
    except BadConf as error:
        yield f"  conf    cannot be sent: {error}"
        return
    first, *rest = json.dumps(conf, indent=2, sort_keys=True).splitlines()
    yield f"  conf    {first}"
    yield from (f"          {line}" for line in rest)


def _complete(batching: Batching) -> str:
    """Return when the files of a batch are complete."""
    at_once = f", at once with {batching.count:,} files" if batching.count else ""
    return (
        f"one run, {shown_time(batching.quiet)} after the last file, at most {shown_time(batching.at_most)} "
        f"after the first{at_once}, {batching.max_files:,} files at most in a run"
    )


def _reason(refusal: str) -> str:
    if refusal == IGNORED:
        return "it is an exception: nothing starts, and the routes below are not tried"
    if refusal.startswith(_COMPLETE):
        name = refusal.removeprefix(_COMPLETE)
        return f"{refusal} refuses it ({DEFAULTS[name].purpose}); off with complete = {{ {name} = false }}"
    return f"{refusal} refuses it"
