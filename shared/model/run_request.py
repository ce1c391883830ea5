"""`RunRequest`: the DAG run that one blob version should start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from shared.model.batch import Batch, group_of
from shared.model.companion import Companion, conf_of
from shared.model.lane import Lane, LaneKind


class WhenPaused(StrEnum):
    """What happens to a run whose DAG is paused."""

    QUEUE = "queue"
    """Airflow keeps the run until the DAG is unpaused."""

    HOLD = "hold"
    """The run waits in the outbox until the DAG is unpaused."""

    DROP = "drop"
    """No run; logged and counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What is requested of Airflow, in any generation.

    Attributes:
        dag_id: The DAG to run.
        run_id: See `shared.model.run_id`; Airflow's unique key together with `dag_id`.
        conf: The DAG's `dag_run.conf`: flat, JSON only.
        route: Name of the route that asked for it, as `conf` shows it.
        route_id: Id of that route, which the run id is made of: it survives a rename.
        logical_date: None for a run without one, which suits most DAGs that a file starts.
        when_paused: What happens to it while its DAG is paused.
        is_enabled: Whether its route sends its runs now; if not, they wait.
        max_runs_per_minute: The route's own cap on runs created; None if it has none.
        max_queued_runs: The route's own cap on runs that wait in Airflow; None if it has none.
        group: The runs that it is ordered among, or the files of its batch; empty for all of the route.
        batch: What the files have in common that its route starts one run for; None for a run of its own.
        is_counted: Whether so many files are a batch at once.
        requires: The blobs that must be there first, as `container/name`.
        is_ordered: Whether the runs of its group are created one after another.
        note: What Airflow's pages show with the run, where it has notes; see `shared.model.note`.
    """

    dag_id: str
    run_id: str
    conf: Mapping[str, object]
    route: str
    route_id: str
    logical_date: datetime | None = None
    when_paused: WhenPaused = WhenPaused.QUEUE
    is_enabled: bool = True
    max_runs_per_minute: int | None = None
    max_queued_runs: int | None = None
    note: str = ""
    group: str = ""
    is_ordered: bool = False
    requires: tuple[str, ...] = ()
    batch: Mapping[str, object] | None = None
    is_counted: bool = False

    @property
    def lane(self) -> Lane:
        """Where it waits if it cannot be sent now."""
        if self.batch is not None:
            group = group_of(self.batch)
            return Lane(route_id=self.route_id, dag_id=self.dag_id, group=group, kind=LaneKind.BATCH)
        kind = LaneKind.ORDERED if self.is_ordered else LaneKind.RUNS
        return Lane(route_id=self.route_id, dag_id=self.dag_id, group=self.group, kind=kind)

    @property
    def entry_lane(self) -> Lane:
        """Where an event enters the outbox: where its companions are awaited, if it requires any."""
        return (
            Lane(route_id=self.route_id, dag_id="", kind=LaneKind.COMPANIONS) if self.requires else self.lane
        )

    def with_companions(self, companions: Sequence[Companion]) -> "RunRequest":
        """Return the run with the facts of its companions in conf."""
        return replace(self, conf={**self.conf, "companions": conf_of(companions)}) if companions else self

    def with_batch(self, batch: Batch, run_id: str) -> "RunRequest":
        """Return the run of a batch, of which this is the run of the first file."""
        return replace(self, run_id=run_id, conf=batch.conf(self.conf), note=batch.note)
