"""`what_starts`: what a blob starts in one line; and the sum of many blobs."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from shared.model.blob_event import BlobEvent
from shared.model.errors import CopyPending
from shared.routes.completeness import Api
from shared.routes.table import RouteTable

_NOTHING = "nothing: "


def what_starts(
    table: RouteTable, event: BlobEvent, *, watched: Collection[str] = (), api: Api = None
) -> tuple[str, ...]:
    """Return each run as `route -> DAG`, or why there is none as `nothing: reason`."""
    if watched and event.container not in watched:
        return (f"{_NOTHING}the container {event.container} is not watched",)
    try:
        plan = table.match(event, api=api)
    except CopyPending:
        return (f"{_NOTHING}still being copied, retried later",)
    if plan.requests:
        return tuple(
            f"{run.route} -> {run.dag_id}{'' if run.is_enabled else ' (waits: enabled = false)'}"
            for run in plan.requests
        )
    if companions := table.files_of(event.path):
        return (f"{_NOTHING}a companion of {', '.join(sorted({route.name for route, _ in companions}))}",)
    reasons = sorted({f"{skip.route}:{skip.reason}".lstrip(":") for skip in plan.skipped})
    return (_NOTHING + ", ".join(reasons),)


def is_run(started: tuple[str, ...]) -> bool:
    """Tell whether a result of `what_starts` is of runs."""
    return not started[0].startswith(_NOTHING)


def summary(results: Iterable[tuple[BlobEvent, tuple[str, ...]]]) -> Iterator[str]:
    """Return a line for each run and reason, the most frequent first, with one blob that it is of."""
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    blobs = started = 0
    for event, result in results:
        blobs += 1
        started += is_run(result)
        for each in result:
            counts[each] += 1
            examples.setdefault(each, event.path)
    yield f"{blobs:,} blobs; {started:,} start something, {blobs - started:,} nothing"
    for each, count in counts.most_common():
        example = examples[each]
        yield f"  {count:>9,}  {each}   (e.g. {example if example.isprintable() else ascii(example)})"
