"""The reconciler: what it lists, what it leaves alone, and what it does when something does not answer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from shared.airflow.dialects.base import Dialect, RunFacts, RunsPage
from shared.airflow.request import Flow
from shared.airflow.run_list import ALL_DAGS
from shared.jobs.lookout import Tables
from shared.jobs.reconciler import Reconciler
from shared.model.errors import AirflowNotFound, AirflowUnreachable, Forbidden, StorageUnavailable
from shared.model.run_id import run_id
from shared.sources.watched import Watched
from shared.storage.blob_reader import Listed
from shared.storage.settled import Claim, Settled
from tests.support.fakes import lane_routes, routes
from tests.support.harness import DEFAULT, OutboxHarness
from tests.support.samples import blob_event
from tests.support.table import MemoryTable

NESTED = ["landing/a/b/**", "landing/a/**", "other/**", "landing/c.csv"]


@dataclass
class FakeRuns:
    """Airflow's list of runs; `after` is what happens when it has answered."""

    lists_conf: bool = True
    listed: list[RunFacts] = field(default_factory=list)
    error: Exception | None = None
    after: Callable[[], None] = lambda: None

    fault_of_dag: dict[str, Exception] = field(default_factory=dict)

    def ask(self, operation: Callable[[Dialect], Flow[RunsPage]]) -> RunsPage:
        return operation(self)  # type: ignore[arg-type,return-value]

    def runs(self, dag_id: str, *_: object, **__: object) -> RunsPage:
        if error := self.error or self.fault_of_dag.get(dag_id):
            raise error
        page = RunsPage(runs=tuple(self.listed))
        if dag_id == ALL_DAGS:
            self.after()
        return page


@dataclass
class FakeListing:
    """The blobs of a container."""

    files: list[Listed] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)

    def blobs(self, container: str, prefix: str = "") -> Iterator[Listed]:
        self.prefixes.append(prefix)
        events = (listed for listed in self.files if listed.event.container == container)
        return (listed for listed in events if listed.event.name.startswith(prefix))


class Setting:
    """A reconciler beside an app without sockets."""

    def __init__(self, **more: Any) -> None:
        self.app = OutboxHarness(more.pop("table", None) or routes())
        self.airflow = FakeRuns(**more)
        self.listing = FakeListing()
        self.claims = MemoryTable()
        self.settled = Settled(self.claims, now=self.app.clock.time)
        self.settled.first_seen(["default", "a", "b"])
        self.app.clock.now += 3_600 * 24 * 10
        self.containers = ["landing"]

    def land(self, *names: str, hours_ago: float = 5) -> None:
        """Let files land without an event."""
        moment = self.app.clock.time() - timedelta(hours=hours_ago)
        for name in names:
            self.listing.files.append(Listed(event=blob_event(name=name, event_time=moment), created=moment))

    def run(self, seconds: float = 100.0, table: Any = None) -> list[str]:
        """Run the reconciler; return the names of what waits then."""
        reconciler = Reconciler(
            airflow=self.airflow,  # type: ignore[arg-type]
            reader=self.listing,  # type: ignore[arg-type]
            watched=Watched(
                endpoint="https://acct.blob.core.windows.net", containers=lambda: self.containers
            ),
            window=timedelta(days=2),
            routes=table or routes(),
            outbox=self.app.outbox,
            tables=Tables(waiting=self.app.storage.outbox, dead=self.app.storage.dead, settled=self.claims),
            settled=self.settled,
            log=self.app.log,
            timing=self.app.timing,
        )
        reconciler.run(self.app.clock() + seconds)
        return [row["name"] for row in self.app.waiting]


def test_file_whose_event_never_came_is_sent_like_any_other() -> None:
    """Through the outbox, once; its note says nothing of a wait that was none."""
    setting = Setting()
    setting.land("a.csv", "b.csv")

    assert setting.run() == ["a.csv", "b.csv"]
    assert {row["reason"] for row in setting.app.waiting} == {"no_event"}
    assert setting.run() == ["a.csv", "b.csv"]
    setting.app.drain()
    assert sorted(setting.app.sent) == ["a.csv", "b.csv"]
    assert setting.app.log.counts["reconcile.found"] == 2


def test_young_file_is_left_to_its_event() -> None:
    """For a quarter of an hour."""
    setting = Setting()
    setting.land("young.csv", hours_ago=0.2)
    setting.land("late.csv", hours_ago=0.3)

    assert setting.run() == ["late.csv"]


def test_what_was_settled_without_a_run_is_left_alone() -> None:
    """A file of a batch, or one that a person dropped."""
    setting = Setting()
    setting.land("a.csv", "b.csv")
    event = setting.listing.files[0].event
    setting.settled.claim(Claim(event=event, lane=DEFAULT, reason="dropped"))

    assert setting.run() == ["b.csv"]


def test_files_that_were_there_before_their_route_are_left_alone() -> None:
    """Its id is new, so it was not seen before."""
    setting = Setting()
    setting.land("c/a.csv")

    assert setting.run(table=lane_routes("c")) == []
    assert setting.app.log.counts["reconcile.found"] == 0


def test_files_of_every_watched_container_are_looked_at() -> None:
    """And of no other."""
    setting = Setting()
    setting.containers = ["landing", "lake"]
    moment = setting.app.clock.time() - timedelta(hours=5)
    for container in ("landing", "lake", "private"):
        event = blob_event(name=f"{container}.csv", container=container, event_time=moment)
        setting.listing.files.append(Listed(event=event, created=moment))

    assert sorted(setting.run()) == ["lake.csv", "landing.csv"]


@pytest.mark.parametrize(
    ("table", "prefixes"),
    [
        (routes(), [""]),
        (lane_routes("a", "b"), ["a/", "b/"]),
        (
            routes(
                "".join(
                    f'[[route]]\nname = "{index}"\nmatch = "{match}"\ndag_id = "d"\n'
                    for index, match in enumerate(
                        ["landing/a/b/**", "landing/a/**", "other/**", "landing/c.csv"]
                    )
                )
            ),
            ["a/", "c.csv"],
        ),
    ],
)
def test_only_what_routes_can_want_is_listed(table: Any, prefixes: list[str]) -> None:
    """And nothing twice."""
    setting = Setting()
    setting.run(table=table)

    assert setting.listing.prefixes == prefixes


def test_airflow_1_is_not_asked_for_lists() -> None:
    """It would send all of its runs, without conf; that is said."""
    setting = Setting(lists_conf=False)
    setting.land("a.csv")

    assert setting.run() == []
    assert setting.app.log.counts == {"reconcile.not_offered": 1}


def test_what_cannot_be_asked_sends_nothing() -> None:
    """A run that is not seen would be started again."""
    for fault in ("airflow", "table"):
        setting = Setting()
        setting.land("a.csv")
        if fault == "airflow":
            setting.airflow.error = AirflowUnreachable("down")
        else:
            setting.claims.faults.append(lambda *_: _raise(StorageUnavailable("down")))

        assert setting.run() == []
        assert setting.app.log.counts == {"reconcile.failed": 1}


def test_role_that_may_not_read_the_runs_of_a_dag_stops_it() -> None:
    """The list of all DAGs leaves them out without a word; a DAG that is missing has none."""
    setting = Setting()
    setting.land("a.csv")
    setting.airflow.fault_of_dag = {"copy_file": Forbidden("no")}

    assert setting.run() == []
    assert setting.app.log.counts == {"reconcile.failed": 1}
    setting.airflow.fault_of_dag = {"copy_file": AirflowNotFound("404")}
    assert setting.run() == ["a.csv"]


def test_changed_file_is_named_and_not_sent() -> None:
    """Overwritten, or only its metadata: a person decides."""
    setting = Setting()
    setting.land("a.csv")
    before = blob_event(name="a.csv", etag="before")
    conf = {"container": "landing", "filename": "a.csv", "etag": "before"}
    setting.airflow.listed = [
        RunFacts(dag_id="d", run_id=run_id(before, route="default"), state="success", page="", conf=conf)
    ]

    assert setting.run() == []
    assert setting.app.log.counts == {"reconcile.changed": 1, "reconcile.done": 1}


def test_row_that_is_delivered_meanwhile_is_seen() -> None:
    """It leaves the outbox when its run is there, so the runs are read after the rows."""
    setting = Setting()
    setting.land("a.csv")
    setting.app.park("a.csv", etag="before")
    setting.airflow.after = setting.app.storage.outbox.rows.clear
    setting.run()

    assert setting.app.log.counts["reconcile.changed"] == 1
    assert setting.app.log.counts["reconcile.found"] == 0


def test_time_that_is_up_ends_it_and_says_so() -> None:
    """What was found is kept, and the next time goes on."""
    setting = Setting()
    setting.land("a.csv", "b.csv")

    assert setting.run(seconds=0) == ["a.csv"]
    assert setting.app.log.counts["reconcile.unfinished"] == 1
    assert setting.run() == ["a.csv", "b.csv"]


def _raise(error: Exception) -> None:
    raise error
