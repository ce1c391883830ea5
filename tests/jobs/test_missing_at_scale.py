"""Many files and as many runs: a few digests of memory for each, and no request that is not needed."""

import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice

from shared.airflow.dialects.base import Dialect, RunFacts, RunsPage
from shared.airflow.request import Flow
from shared.jobs.lookout import Tables, what_is_known
from shared.jobs.missing import Known, Verdict, Window, judge
from shared.model.run_id import run_id
from shared.storage.blob_reader import Listed
from tests.support.fakes import routes
from tests.support.samples import MOMENT, blob_event
from tests.support.scale import scaled
from tests.support.table import MemoryTable

FILES = scaled(4_000, 100_000)
BYTES_FOR_EACH_FILE = 400
"""Two digests of 16 bytes, as objects of Python in two sets; a run with its conf has ten times as much."""


def blobs() -> Iterator[Listed]:
    """List the files."""
    for number in range(FILES):
        yield Listed(event=blob_event(name=f"orders/2026/11/20/file-{number:09}.csv"), created=MOMENT)


class RunsInPages:
    """An Airflow that has a run for each file but every tenth, and counts what it is asked."""

    requests = -1
    """Without the question whether the DAG's runs may be read."""

    def __init__(self) -> None:
        self._left = (self._run(listed) for number, listed in enumerate(blobs()) if number % 10)

    def __call__(self, _operation: Callable[[Dialect], Flow[RunsPage]]) -> RunsPage:
        self.requests += 1
        if not self.requests:
            return RunsPage(runs=())
        runs = tuple(islice(self._left, 100))
        return RunsPage(runs=runs, next_page="more" if len(runs) == 100 else "")

    def _run(self, listed: Listed) -> RunFacts:
        event = listed.event
        conf = {"container": event.container, "filename": event.name, "etag": event.etag, "more": "x" * 500}
        return RunFacts(
            dag_id="d", run_id=run_id(event, route="default"), state="success", page="", conf=conf
        )


def test_memory_and_requests_are_bounded() -> None:
    """Neither the runs nor the blobs are kept."""
    airflow = RunsInPages()
    tables = Tables(waiting=MemoryTable(), dead=MemoryTable(), settled=MemoryTable())
    window = Window(until=MOMENT + timedelta(hours=1))
    tracemalloc.start()
    known = what_is_known(
        Known(account="acct", route_ids=["default"]), tables, routes(), ask=airflow, since=window.since
    )
    found = Counter(judged.verdict for judged in judge(blobs(), routes=routes(), known=known, window=window))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found == {Verdict.MISSING: FILES // 10, Verdict.KNOWN: FILES * 9 // 10}
    assert airflow.requests <= FILES // 100
    assert peak < FILES * BYTES_FOR_EACH_FILE
