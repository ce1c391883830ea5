"""What `check` and `explain` print, for `python -m shared.routes` and for the operators' command line."""

from collections.abc import Iterable, Iterator, Sequence

from shared.model.blob_event import BlobEvent
from shared.model.errors import CopyPending
from shared.routes.blobs import MADE_UP
from shared.routes.cautions import cautions
from shared.routes.explanation import explanation
from shared.routes.route import Route
from shared.routes.table import RouteTable


def check_report(table: RouteTable, watched: Sequence[str], *, strict: bool) -> tuple[list[str], bool]:
    """Return the lines about a table, and whether it has no fault; with `strict` a warning is one."""
    lines = [f"{route.name}: {route.match.text} -> {_dags(route)}" for route in table.routes]
    odd = [str(caution) for caution in cautions(table, watched)]
    failures = [f"line {test.line}, test of {test.blob!r}: {how}" for test, how in table.test_failures()]
    faults, warnings = ([*failures, *odd], []) if strict else (failures, odd)
    lines += [f"fault: {text}" for text in faults] + [f"warning: {text}" for text in warnings]
    counts = [
        _count(len(table.routes), "route"),
        *([_count(len(table.tests), "test")] if table.tests else []),
        _count(len(faults), "fault") if faults else "no fault",
        *([_count(len(warnings), "warning")] if warnings else []),
    ]
    return [*lines, ", ".join(counts)], not faults


def explain_report(
    table: RouteTable, event: BlobEvent, watched: Sequence[str], api: str | None = None
) -> tuple[list[str], bool]:
    """Return the lines about a blob, and whether it starts anything."""
    lines = [f"{_shown(event)}, {event.size} bytes"]
    if event.container not in watched:
        lines.append(
            f"the container {event.container} is not watched (watched: {', '.join(watched)}): its events do "
            "not come, and one that comes all the same is a dead letter"
        )
    if MADE_UP in (event.account, event.etag):
        lines.append("the run id is right only with --account and --etag of the blob")
    if table.needs_head(event, api=api):
        lines.append("in queue mode this takes one HEAD; facts that are not given refuse nothing here")
    try:
        verdicts = table.explain(event, api=api)
    except CopyPending as error:
        return [*lines, f"retried later: {error}"], False
    lines += explanation(table, event, verdicts)
    fires = any(verdict.fires for verdict in verdicts) and event.container in watched
    return lines, fires


def lines_of(results: Iterable[tuple[BlobEvent, tuple[str, ...]]]) -> Iterator[str]:
    """Return a line for each blob: what it starts."""
    for event, result in results:
        yield f"{_shown(event)}: {'; '.join(result)}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _dags(route: Route) -> str:
    dags = " or ".join(route.possible_dag_ids) or "nothing"
    return dags if route.enabled else f"{dags} (waits: enabled = false)"


def _shown(event: BlobEvent) -> str:
    return event.path if event.path.isprintable() else ascii(event.path)
