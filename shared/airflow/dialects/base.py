"""`Dialect`: what one generation of Airflow's REST API looks like."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import quote

import msgspec

from shared.airflow.request import Flow
from shared.airflow.responses import Triggered
from shared.model.run_request import RunRequest


class DagState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a DAG.

    Attributes:
        is_paused: Whether its runs wait.
        has_import_errors: None where the API does not show it.
        file: Path of its file; empty where the API does not show it.
    """

    is_paused: bool
    has_import_errors: bool | None
    file: str = ""


class ImportFault(msgspec.Struct, frozen=True, kw_only=True):
    """A DAG file that cannot be imported, and the traceback, without what was sent as a credential."""

    file: str
    text: str


class WaitingRuns(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs wait for a worker, and how many for their DAG to be unpaused."""

    of_active_dags: int
    of_paused_dags: int


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A run, as Airflow shows it.

    Attributes:
        dag_id: Its DAG.
        run_id: Its id.
        state: Such as `queued` or `success`.
        page: Of the run in Airflow's own pages, below the base URL.
        started: When it began; None while it waits for a worker or for its DAG to be unpaused.
        conf: Its conf; None where the API does not show it.
        note: Its note; empty without one.
    """

    dag_id: str
    run_id: str
    state: str
    page: str
    started: datetime | None = None
    conf: Mapping[str, object] | None = None
    note: str = ""


class RunsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some runs, and what to ask for the next ones with; empty behind the last."""

    runs: tuple[RunFacts, ...]
    next_page: str = ""


class Dialect(Protocol):
    """One generation of the API.

    All flows but `trigger` raise RetryableError where a response is not what was asked for.
    """

    @property
    def name(self) -> str:
        """The value of `AIRFLOW_API` that selects it."""

    @property
    def hides_taken_dates(self) -> bool:
        """Whether a logical date that another run has is answered like any failure (500)."""

    def trigger(self, run: RunRequest) -> Flow[Triggered]:
        """Ask for the run."""

    @property
    def lists_conf(self) -> bool:
        """Whether the list of runs has pages and shows each run's conf."""

    def find(self, dag_id: str, run_id: str) -> Flow[RunFacts | None]:
        """Return the run; None if there is no such run."""

    def runs(
        self, dag_id: str, page: str, *, state: str = "", prefix: str = "", since: datetime | None = None
    ) -> Flow[RunsPage]:
        """List some runs of a DAG, those that were created last first.

        Args:
            dag_id: The DAG.
            page: Empty for the first page, then the `next_page` of the one before.
            state: Only runs in this state.
            prefix: Only runs whose id begins so, where the API has that; else all.
            since: Only runs that were created since then, where the API has that; else all.
        """

    def params(self, dag_id: str) -> Flow[Mapping[str, Mapping[str, object]] | None]:
        """Return `value` and `schema` of each of the DAG's params; None where the API does not show them."""

    def dag_ids(self) -> Flow[list[str]]:
        """List the DAGs, page by page."""

    def dags(self) -> Flow[dict[str, DagState]]:
        """Return the states of the DAGs by their ids, page by page."""

    def dag(self, dag_id: str) -> Flow[DagState | None]:
        """Return the state of the DAG; None if there is no such DAG."""

    def import_faults(self) -> Flow[list[ImportFault]]:
        """List the first 100 files with import errors; none where the API has no such list."""

    def check_log_in(self) -> Flow[None]:
        """Ask something that only a known user is answered, and that has nothing to do with any event.

        Raises CredentialsRefused where the log-in is refused, or cannot be told from one that is.
        """

    def waiting_runs(self, dag_id: str | None) -> Flow[WaitingRuns]:
        """Count the waiting runs of one DAG, or of all."""

    def version(self) -> Flow[str]:
        """Return the version of Airflow; needs no log-in."""


def quoted(segment: str) -> str:
    """Quote one segment of a path."""
    return quote(segment, safe="")


def moment_of(text: object) -> datetime | None:
    """Return a time that a server states; None where it is none."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
