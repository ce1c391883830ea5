"""`Pending`: an event that is not delivered yet, and how far it came."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from shared.model.batch import Batch
from shared.model.blob_event import BlobEvent, check_text
from shared.model.companion import Companion
from shared.model.errors import BadEvent, BlobToDagError
from shared.model.lane import NEW, Lane
from shared.model.run_id import digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A DAG of an Airflow that a request may have been sent to.

    Attributes:
        dag_id: The DAG.
        airflow: Base URL of the Airflow.
    """

    dag_id: str
    airflow: str

    @property
    def digest(self) -> str:
        """Name of the target's column: 128 bits of SHA-256."""
        return digest([self.dag_id, self.airflow])


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """How often a delivery failed for one reason, and when for the first and the last time.

    Raises:
        ValueError: The count is out of range.
    """

    count: int
    first: datetime
    last: datetime

    def __post_init__(self) -> None:
        if not 0 <= self.count < _MOST_FAILURES:
            msg = "the count is out of range"
            raise ValueError(msg)


_MOST_FAILURES = 2**31
_NONE: Mapping[str, Failures] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An event on its way to Airflow, from a source or from the outbox.

    Attributes:
        container: Of the blob.
        name: Of the blob.
        event: The observed version; None where only the name is known and the blob is to be looked at.
        api: The storage call that raised the event (`data.api` of Event Grid), where the source says.
        traceparent: W3C trace context of the invocation that took the event; it goes into the run's conf.
        lane: Where it waits; `NEW` until the routes have been asked.
        run_id: Of the run that waits; None until the routes have been asked.
        reason: Code of the last failure; empty where there was none.
        message: Of the last failure, with Airflow's own words.
        history: Failures by reason.
        sent_to: Where a request may have been sent. The same run id must go there again, nowhere else.
        not_before: When it is due; None for at once.
        parked_at: When it was written to the outbox for the first time; None before.
        companions: The blobs that its route requires, once they are there.
        batch: The files of the run, where it is of many; `event` is the first of them then.

    Raises:
        BadEvent: It names no blob that there can be.
    """

    container: str
    name: str
    event: BlobEvent | None = None
    api: str | None = None
    traceparent: str | None = None
    lane: Lane = NEW
    run_id: str | None = None
    reason: str = ""
    message: str = ""
    history: Mapping[str, Failures] = field(default_factory=lambda: _NONE)
    sent_to: frozenset[Target] = frozenset()
    not_before: datetime | None = None
    parked_at: datetime | None = None
    companions: tuple[Companion, ...] = ()
    batch: Batch | None = None

    def __post_init__(self) -> None:
        if not self.container or not self.name:
            msg = "The event names no blob."
            raise BadEvent(msg)
        for what in ("container", "name", "api", "traceparent"):
            check_text(what, getattr(self, what) or "")

    @property
    def path(self) -> str:
        """`container/name`, as people write it."""
        return f"{self.container}/{self.name}"

    def by_name(self) -> "Pending":
        """Return the event without its version: the blob is to be looked at again."""
        trace = self.traceparent or (self.event.traceparent if self.event else None)
        return replace(self, event=None, lane=NEW, run_id=None, batch=None, traceparent=trace)

    def after(
        self,
        error: BlobToDagError,
        *,
        now: datetime,
        sent_to: Target | None = None,
        not_before: datetime | None = None,
    ) -> "Pending":
        """Return the event after one more failed delivery; a target is never taken away."""
        known = self.history.get(error.code)
        failures = Failures(
            count=known.count + 1 if known else 1, first=known.first if known else now, last=now
        )
        return replace(
            self,
            reason=error.code,
            message=str(error),
            history={**self.history, error.code: failures},
            sent_to=self.sent_to | ({sent_to} if sent_to else frozenset()),
            not_before=not_before,
        )

    def failures(self, error: BlobToDagError) -> int:
        """Return how often the delivery failed for this reason."""
        known = self.history.get(error.code)
        return known.count if known else 0
