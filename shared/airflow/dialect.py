"""`Dialect`: what one generation of Airflow's REST API looks like. Pure: calls out, meanings in."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from shared.airflow.answer import Answer
from shared.airflow.call import Call
from shared.run_request import RunRequest


class Meaning(Enum):
    """What an answer to a trigger call says, before anything was looked up."""

    CREATED = "created"
    CONFLICT = "conflict"
    DAG_MISSING = "dag_missing"
    REFUSED_CREDENTIALS = "refused_credentials"
    FORBIDDEN = "forbidden"
    REFUSED = "refused"
    BUSY = "busy"
    UNCLEAR = "unclear"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class DagPage:
    """One page of the list of DAGs: their ids, and how many there are in all."""

    dag_ids: tuple[str, ...]
    total: int


class Dialect(Protocol):
    """One generation of the API."""

    name: str

    def trigger(self, run: RunRequest) -> Call:
        """Ask for the run."""

    def triggered(self, run: RunRequest, answer: Answer) -> Meaning:
        """Read the answer to `trigger`. `CREATED` only if the answer holds our run id."""

    def find(self, dag_id: str, run_id: str) -> Call:
        """Ask for one run."""

    def found(self, run_id: str, answer: Answer) -> str | None:
        """Read the answer to `find`: the run's state; None if there is no such run.

        Raises:
            TryAgain: The answer says neither.
        """

    def list_dags(self, *, limit: int, offset: int) -> Call:
        """Ask for a page of DAGs."""

    def listed_dags(self, answer: Answer) -> DagPage:
        """Read the answer to `list_dags`.

        Raises:
            TryAgain: The answer is no list of DAGs.
        """
