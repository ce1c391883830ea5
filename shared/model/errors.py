"""What can go wrong, as a tree that says whether to try again.

BlobToDagError
├── TryAgain                   delivering the same event later can succeed
│   ├── Misconfigured          an app setting is unusable; nothing was sent
│   ├── StorageUnavailable     the blob's facts could not be read; nothing was sent
│   ├── CopyPending            the blob is still being copied; nothing was sent
│   ├── Paced                  a cap is set, so the dispatcher sends it when its turn comes; nothing was sent
│   ├── DagPaused              the DAG is paused and its runs are to be held; nothing was sent
│   ├── AirflowMoved           a request may have been sent to another Airflow; it must go there again
│   ├── AtCapacity             as many calls to Airflow are in work as are allowed; nothing was sent
│   ├── AirflowDown            Airflow is known to be down, so nothing was sent
│   ├── AirflowUnreachable     no request left this machine (DNS, connect, TLS)
│   ├── AirflowUnclear         a request may have been sent: the run may exist (time-out, reset, 5xx)
│   ├── AirflowBusy            Airflow turned the request away unread (429)
│   ├── NotAirflow             something else took the request at this address (log-in page, foreign JSON)
│   │   └── AirflowNotFound    it did not take it (no such path, a redirect), or was only asked questions
│   ├── CredentialsRefused     Airflow does not know or accept the log-in
│   ├── VaultUnavailable       the credentials cannot be read from Key Vault; nothing was sent
│   ├── LookUpForbidden        the run may be there, but the role may not look it up
│   ├── Forbidden              Airflow knows the log-in, but its role may not do this
│   ├── DagMissing             no such DAG, yet
│   └── DateTaken              another run of the DAG has this logical date
└── NeverAgain                 the same event can never succeed; a person must look
    ├── BadEvent               the event cannot be understood
    ├── BadConf                the conf cannot be sent (not JSON, too large)
    ├── RouteMissing           no route asks for this run any more, and nothing was sent
    └── RunRefused             Airflow will not take this run: conf, params, or the DAG's own rules

Messages name the fact and what to do about it. They never hold a secret or an HTML page.
"""

from enum import Enum
from typing import ClassVar


class Wait(Enum):
    """How long an event is parked."""

    GROWING = "growing"
    """The event itself is in trouble: each time longer."""

    STEADY = "steady"
    """Every event would have met the same: always the least delay."""

    SHORT = "short"
    """As STEADY, and a breaker or a cap keeps Airflow from being asked by each: seconds."""

    TURN = "turn"
    """Nothing is wrong: until its turn comes."""


class BlobToDagError(Exception):
    """Root of the tree; raised only as one of its leaves."""

    code: ClassVar[str] = "error"
    """Short, stable name of the condition, for logs and dead letters."""


class TryAgain(BlobToDagError):  # noqa: N818  (the name says what to do, as the tree promises)
    """Delivering the same event later can succeed; the run id makes that safe."""

    quick: ClassVar[bool] = False
    """Whether a retry within seconds, in the same invocation, is worth it."""

    wait: ClassVar[Wait] = Wait.GROWING
    """How a parked event waits because of it."""

    may_have_been_sent: ClassVar[bool] = False
    """Whether Airflow may already have created the run."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        """Keep what the server asked for: `retry_after_seconds` is None where it asked for nothing."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NeverAgain(BlobToDagError):  # noqa: N818
    """The same event can never succeed; retrying only hides it."""


class Misconfigured(TryAgain):
    """An app setting is unusable. Safe to retry: nothing was sent."""

    code = "misconfigured"
    wait = Wait.STEADY


class StorageUnavailable(TryAgain):
    """The blob's facts could not be read. Safe to retry: nothing was sent."""

    code = "storage_unavailable"
    wait = Wait.STEADY


class CopyPending(TryAgain):
    """The blob is the target of a copy that has not finished. Safe to retry: nothing was sent."""

    code = "copy_pending"


class Paced(TryAgain):
    """A cap is set: the dispatcher sends the run when its turn comes. Safe to retry: nothing was sent."""

    code = "paced"
    wait = Wait.TURN


class DagPaused(TryAgain):
    """The DAG is paused and its runs are to be held. Safe to retry: nothing was sent."""

    code = "dag_paused"


class AirflowMoved(TryAgain):
    """A request may have been sent to another Airflow. Safe to retry there only."""

    code = "airflow_moved"


class AtCapacity(TryAgain):
    """As many calls to Airflow are in work as are allowed. Safe to retry: nothing was sent."""

    code = "at_capacity"
    wait = Wait.SHORT


class AirflowDown(TryAgain):
    """Airflow is known to be down. Safe to retry: nothing was sent."""

    code = "airflow_down"
    wait = Wait.SHORT


class AirflowUnreachable(TryAgain):
    """No request left this machine. Safe to retry."""

    code = "airflow_unreachable"
    quick = True
    wait = Wait.SHORT


class AirflowUnclear(TryAgain):
    """A request may have been sent, its answer is unknown. Safe to retry with the same run id only."""

    code = "airflow_unclear"
    quick = True
    may_have_been_sent = True


class AirflowBusy(TryAgain):
    """Airflow turned the request away unread. Safe to retry after the time that it names."""

    code = "airflow_busy"
    quick = True


class NotAirflow(TryAgain):
    """Something else answers at this address. Safe to retry with the same run id."""

    code = "not_airflow"
    may_have_been_sent = True


class AirflowNotFound(NotAirflow):
    """Airflow's API is not at this address. Safe to retry, also elsewhere: nothing was created."""

    code = "airflow_not_found"
    may_have_been_sent = False


class CredentialsRefused(TryAgain):
    """Airflow does not accept the log-in. Safe to retry: nothing was created."""

    code = "credentials_refused"
    wait = Wait.SHORT


class VaultUnavailable(TryAgain):
    """Key Vault does not give the credentials. Safe to retry: nothing was sent."""

    code = "vault_unavailable"
    wait = Wait.STEADY


class LookUpForbidden(TryAgain):
    """Airflow reports a conflict and does not let it be looked up. Safe to retry with the same run id."""

    code = "look_up_forbidden"
    may_have_been_sent = True


class Forbidden(TryAgain):
    """The log-in works, but its role lacks a permission. Safe to retry once the role is mended."""

    code = "forbidden"


class DagMissing(TryAgain):
    """No such DAG, yet. Safe to retry: nothing was created."""

    code = "dag_missing"


class DateTaken(TryAgain):
    """Another run of the DAG has this logical date. Safe to retry with another date and the same run id."""

    code = "date_taken"
    quick = True


class BadEvent(NeverAgain):
    """The event cannot be understood. Retrying cannot help."""

    code = "bad_event"


class BadConf(NeverAgain):
    """The conf cannot be sent as JSON within the size limit. Retrying cannot help."""

    code = "bad_conf"


class RouteMissing(NeverAgain):
    """No route asks for this run any more, and nothing was sent. Retrying cannot help."""

    code = "route_missing"


class RunRefused(NeverAgain):
    """Airflow will not take this run, in its own words. Retrying cannot help."""

    code = "run_refused"
