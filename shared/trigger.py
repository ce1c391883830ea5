"""The shared trigger module: a blob event in, one outcome for each DAG run out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from shared.airflow.client import Delivery
from shared.conf import build_conf
from shared.errors import BlobToDagError, CopyPending
from shared.event_log import EventLog
from shared.events import BlobEvent
from shared.run_id import run_id
from shared.run_request import RunRequest

DEFAULT_ROUTE = "default"
_APPEND_BLOB = "AppendBlob"


class Airflow(Protocol):
    """What the trigger module needs of the Airflow client."""

    def trigger(self, run: RunRequest) -> Delivery:
        """Make sure that the run is there; see `AirflowClient.trigger`."""


class Retry(Protocol):
    """Calls again while that may help within seconds; see `Retrier`."""

    def __call__[T](self, attempt: Callable[[], T]) -> T:
        """Give the first result, or raise the last error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one DAG run ended up: created now, or there already."""

    run: RunRequest
    delivery: Delivery


class Trigger:
    """Turns blob events into DAG runs: the only place that knows what to do next."""

    def __init__(self, airflow: Airflow, retry: Retry, log: EventLog, *, dag_id: str) -> None:
        self._airflow = airflow
        self._retry = retry
        self._log = log
        self._dag_id = dag_id

    def handle(self, event: BlobEvent) -> list[Outcome]:
        """Deliver the runs of one event.

        Raises:
            BlobToDagError: The run was not delivered; the type says whether to try again.
        """
        self._log.info(
            "blob.observed", blob=event.path, size=event.size, etag=event.etag, event_time=event.event_time
        )
        if event.copy_status == "pending":
            msg = f"{event.path!a} is still being copied; its size and content are not final."
            error = CopyPending(msg)
            self._log_failure(event, error)
            raise error
        if event.blob_type == _APPEND_BLOB:
            # Raised at creation, when the blob is empty; appends raise nothing.
            self._log.warning("blob.skipped", blob=event.path, reason="append_blob")
            return []
        return [self._deliver(event, self._request(event))]

    def _request(self, event: BlobEvent) -> RunRequest:
        return RunRequest(
            dag_id=self._dag_id,
            run_id=run_id(event, route=DEFAULT_ROUTE),
            conf=build_conf(event, route=DEFAULT_ROUTE),
            route=DEFAULT_ROUTE,
        )

    def _deliver(self, event: BlobEvent, run: RunRequest) -> Outcome:
        try:
            delivery = self._retry(lambda: self._airflow.trigger(run))
        except BlobToDagError as error:
            self._log_failure(event, error)
            raise
        self._log.info(
            f"run.{delivery.value}", blob=event.path, size=event.size, dag_id=run.dag_id, run_id=run.run_id
        )
        return Outcome(run=run, delivery=delivery)

    def _log_failure(self, event: BlobEvent, error: BlobToDagError) -> None:
        self._log.error("run.failed", blob=event.path, size=event.size, reason=error.code, message=str(error))
