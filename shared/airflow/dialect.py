"""`Dialect`: what one generation of Airflow's REST API looks like. Pure: calls out, results in."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol
from urllib.parse import quote

from shared.airflow.answer import Answer
from shared.airflow.call import Exchange
from shared.airflow.meaning import Meaning
from shared.model.errors import (
    AirflowBusy,
    AirflowNotFound,
    AirflowUnreachable,
    CredentialsRefused,
    Forbidden,
    RetryableError,
)
from shared.model.run_request import RunRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered:
    """What came of a trigger call: its meaning, and the answer with Airflow's words."""

    meaning: Meaning
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class DagState:
    """A DAG as Airflow knows it; `has_import_errors` is None where the API does not tell."""

    is_paused: bool
    has_import_errors: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRuns:
    """How many runs wait for a worker, and how many for their DAG to be unpaused."""

    of_active_dags: int
    of_paused_dags: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What Airflow says of its parts, such as `healthy`; None where it says nothing."""

    database: str | None
    scheduler: str | None

    @property
    def is_healthy(self) -> bool:
        """Whether runs are taken and carried out."""
        return self.database == self.scheduler == "healthy"


class Dialect(Protocol):
    """One generation of the API.

    All exchanges but `trigger` raise RetryableError where an answer is not what was asked for.
    """

    @property
    def name(self) -> str:
        """As `AIRFLOW_API` says it."""

    @property
    def hides_taken_dates(self) -> bool:
        """Whether a logical date that another run has is answered like any breakdown (500)."""

    def trigger(self, run: RunRequest) -> Exchange[Triggered]:
        """Ask for the run."""

    def find(self, dag_id: str, run_id: str) -> Exchange[str | None]:
        """Give the run's state; None if there is no such run."""

    def dag_ids(self) -> Exchange[list[str]]:
        """List the DAGs, page by page."""

    def dag(self, dag_id: str) -> Exchange[DagState | None]:
        """Give the DAG's state; None if there is no such DAG."""

    def waiting_runs(self, dag_id: str | None) -> Exchange[WaitingRuns]:
        """Count the runs that wait, of one DAG or of all."""

    def health(self) -> Exchange[Health]:
        """Ask how Airflow is."""

    def version(self) -> Exchange[str]:
        """Ask which Airflow it is; needs no log-in."""


def unexpected(answer: Answer, *, doing: str) -> RetryableError:
    """Make the error for an answer that is not what was asked for: a question creates nothing."""
    said = f"Airflow answered {answer.status} to {doing}: {answer.words}"
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            return CredentialsRefused(said)
        case HTTPStatus.FORBIDDEN:
            return Forbidden(said)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return AirflowBusy(said, retry_after_seconds=answer.retry_after_seconds())
        case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return AirflowUnreachable(said, retry_after_seconds=answer.retry_after_seconds())
        case _:
            return AirflowNotFound(said)


def quoted(segment: str) -> str:
    """Quote one segment of a path."""
    return quote(segment, safe="")
