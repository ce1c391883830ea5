"""`AirflowClient`: start a DAG run exactly once, whichever generation of Airflow answers."""

import difflib
from collections.abc import Iterator
from dataclasses import replace
from enum import Enum

from requests.auth import AuthBase

from shared.airflow.answer import Answer
from shared.airflow.call import Call
from shared.airflow.dialect import Dialect, Meaning
from shared.airflow.http import AirflowHttp
from shared.conf import encode_conf
from shared.errors import (
    AirflowBusy,
    AirflowUnclear,
    BlobToDagError,
    CredentialsRefused,
    DagMissing,
    DateTaken,
    Forbidden,
    NotAirflow,
    RunRefused,
)
from shared.run_request import RunRequest

_PAGE = 100
_MOST_DAGS = 2_000
_NEAR_NAMES = 3


class Delivery(Enum):
    """How a run came to be there."""

    CREATED = "created"
    ALREADY_THERE = "already_there"


class AirflowClient:
    """The operations of Airflow that the app needs, over one dialect.

    The happy path is one request: post first, look up only on a conflict.
    """

    def __init__(self, http: AirflowHttp, dialect: Dialect, auth: AuthBase, *, conf_max_bytes: int) -> None:
        self._http = http
        self._dialect = dialect
        self._auth = auth
        self._conf_max_bytes = conf_max_bytes

    def trigger(self, run: RunRequest) -> Delivery:
        """Make sure that the run is there.

        Raises:
            TryAgain: The run may or may not be there; calling again with the same run id settles it.
            NeverAgain: Airflow will not take this run, whatever happens.
        """
        run = replace(run, conf=encode_conf(run.conf, max_bytes=self._conf_max_bytes))
        answer = self._send(self._dialect.trigger(run))
        match self._dialect.triggered(run, answer):
            case Meaning.CREATED:
                return Delivery.CREATED
            case Meaning.CONFLICT:
                return self._settle_conflict(run, answer)
            case Meaning.DAG_MISSING:
                raise DagMissing(self._missing_dag_message(run.dag_id))
            case meaning:
                raise _error(meaning, run, answer)

    def find(self, dag_id: str, run_id: str) -> str | None:
        """Give the state of a run; None if there is no such run."""
        return self._dialect.found(run_id, self._send(self._dialect.find(dag_id, run_id)))

    def dag_ids(self) -> Iterator[str]:
        """List the ids of the active DAGs, page by page, 2,000 at the most."""
        for offset in range(0, _MOST_DAGS, _PAGE):
            page = self._dialect.listed_dags(self._send(self._dialect.list_dags(limit=_PAGE, offset=offset)))
            yield from page.dag_ids
            if offset + _PAGE >= page.total or not page.dag_ids:
                return

    def _send(self, call: Call) -> Answer:
        return self._http.send(call, auth=self._auth)

    def _settle_conflict(self, run: RunRequest, answer: Answer) -> Delivery:
        """Tell a repeated run id from a taken logical date: only a look-up can."""
        if self.find(run.dag_id, run.run_id) is not None:
            return Delivery.ALREADY_THERE
        msg = (
            f"Airflow says that the run conflicts with another one, but has no run {run.run_id}: "
            f"another run of {run.dag_id!a} has its logical date. ({answer.words})"
        )
        raise DateTaken(msg)

    def _missing_dag_message(self, dag_id: str) -> str:
        message = f"Airflow has no DAG {dag_id!a}."
        try:
            near = difflib.get_close_matches(dag_id, list(self.dag_ids()), n=_NEAR_NAMES)
        except BlobToDagError:
            near = []  # the list is a courtesy
        if near:
            message += f" Near names: {', '.join(near)}."
        return message + " Is its name right (AIRFLOW_DAG_ID), is it deployed and free of import errors?"


def _error(meaning: Meaning, run: RunRequest, answer: Answer) -> BlobToDagError:
    said = f"Airflow answered {answer.status} to triggering {run.dag_id!a}: {answer.words}"
    match meaning:
        case Meaning.REFUSED:
            return RunRefused(said)
        case Meaning.REFUSED_CREDENTIALS:
            return CredentialsRefused(said)
        case Meaning.FORBIDDEN:
            return Forbidden(f"{said}. Does the role of the app's user allow to create DAG runs?")
        case Meaning.BUSY:
            return AirflowBusy(said, retry_after_seconds=answer.retry_after_seconds())
        case Meaning.UNCLEAR:
            return AirflowUnclear(said, retry_after_seconds=answer.retry_after_seconds())
        case _:
            return NotAirflow(f"{said}. Is AIRFLOW_BASE_URL the address of Airflow itself?")
