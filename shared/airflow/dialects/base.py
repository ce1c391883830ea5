"""`Dialect`: what one generation of Airflow's REST API looks like."""

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from shared.airflow.request import Flow
from shared.airflow.responses import Triggered
from shared.model.run_request import RunRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class DagState:
    """The state of a DAG.

    Attributes:
        is_paused: Whether its runs wait.
        has_import_errors: None where the API does not show it.
        file: Path of its file; empty where the API does not show it.
    """

    is_paused: bool
    has_import_errors: bool | None
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFault:
    """A DAG file that cannot be imported, and the traceback, without what was sent as a credential."""

    file: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRuns:
    """How many runs wait for a worker, and how many for their DAG to be unpaused."""

    of_active_dags: int
    of_paused_dags: int


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

    def find(self, dag_id: str, run_id: str) -> Flow[str | None]:
        """Return the state of the run; None if there is no such run."""

    def dag_ids(self) -> Flow[list[str]]:
        """List the DAGs, page by page."""

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
