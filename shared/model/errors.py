"""What can go wrong, as a tree that says whether to try again and whose trouble it is.

BlobToDagError
├── RetryableError               delivering the same event later can succeed
│   ├── Scope.AIRFLOW: nothing can be delivered, so everything waits
│   │   ├── Misconfigured        an app setting or the secret is unusable; nothing was sent
│   │   ├── VaultUnavailable     Key Vault does not give the credentials; nothing was sent
│   │   ├── CredentialsRefused   Airflow rejects the log-in
│   │   ├── AirflowUnreachable   no request left this machine (DNS, connect, TLS)
│   │   ├── AirflowBusy          Airflow rejected the request without processing it (429)
│   │   └── AirflowNotFound      Airflow's API is not at this address (no such path, a redirect)
│   ├── Scope.LANE: one route's DAG cannot be started, so its runs wait
│   │   ├── DagMissing           no such DAG, yet
│   │   ├── DagBroken            the DAG is there but takes no runs (import errors, no manual runs)
│   │   ├── DagPaused            the DAG is paused, and its route holds runs meanwhile
│   │   ├── Forbidden            the role of the app's user may not start this DAG
│   │   ├── LookUpForbidden      the run may be there, but the role may not look it up
│   │   ├── RouteDisabled        the route has `enabled = false`: its runs wait until it is true
│   │   └── RouteMissing         no route has this id, so the DAG to start is not known
│   └── Scope.EVENT: one event is in trouble, and waits alone
│       ├── AirflowUnclear       a request may have been sent: the run may exist (time-out, reset, 5xx)
│       ├── NotAirflow           something else answered (a gateway's page, foreign JSON)
│       ├── DateTaken            another run of the DAG has this logical date
│       ├── AirflowMoved         a request may have been sent to another Airflow; it must go there again
│       ├── StorageUnavailable   the blob's properties, or a table, could not be read or written
│       ├── CopyPending          the blob is still being copied; nothing was sent
│       ├── RateLimited          a cap is set; the dispatcher sends the run when there is room
│       ├── InOrder              runs of its route are sent one after another; this one when it is its turn
│       ├── BatchOpen            its route starts one run for many files, and waits for the others
│       ├── AwaitsCompanion      its route requires other blobs, which are not there yet; nothing was sent
│       ├── AtCapacity           as many calls to Airflow are in progress as are allowed; nothing was sent
│       └── OnHold               its lane, or everything, is on hold; nothing was sent
└── PermanentError               the same event can never succeed; a person must look
    ├── BadEvent                 the event cannot be understood
    ├── NotWatched               the event is of an account or a container that the app does not watch
    ├── BadConf                  the conf cannot be sent (not JSON, too large)
    ├── CompanionMissing         what its route requires did not come in time
    ├── RouteGone                no route has asked for this run for longer than the grace time
    ├── DagGone                  the DAG has been missing for longer than the grace time
    └── RunRefused               Airflow rejects this run: its conf, its params, or the DAG's own rules

Messages name the fact and what to do about it. They never hold a secret or an HTML page.
"""

from enum import Enum
from typing import ClassVar


class Scope(Enum):
    """What a failure says something about, and so what waits because of it."""

    AIRFLOW = "airflow"
    """Airflow, the way to it, or the log-in: everything waits."""

    LANE = "lane"
    """One DAG as one route starts it: its lane waits."""

    EVENT = "event"
    """One event: it alone waits."""


class BlobToDagError(Exception):
    """Root of the tree; raised only as one of its leaves."""

    code: ClassVar[str] = "error"
    """Short, stable name of the condition, for logs, rows and dead letters."""

    is_answer: ClassVar[bool] = False
    """Whether Airflow itself said so to a known log-in: it is up, whatever is wrong with this run."""


class RetryableError(BlobToDagError):
    """Delivering the same event later can succeed; the run id makes that safe."""

    scope: Scope = Scope.EVENT
    """What waits because of it; a closer look may change that for one error."""

    quick: ClassVar[bool] = False
    """Whether a retry within seconds, in the same invocation, is worth it."""

    may_have_been_sent: bool = False
    """Whether Airflow may already have created the run; an earlier attempt may change that for one error."""

    @property
    def may_be_common(self) -> bool:
        """Whether others may meet the same trouble, though this failure was found to be the event's own."""
        is_shared = isinstance(self, StorageUnavailable) or type(self).scope is Scope.AIRFLOW
        return self.may_have_been_sent or is_shared

    backs_off: ClassVar[bool] = True
    """Whether the event waits longer each time; False where it waits for room or for the end of a hold."""

    waits_for_room: bool = False
    """Whether a drain may send the event at once; a closer look may change that for one error."""

    waits_as_told: ClassVar[bool] = False
    """Whether the event waits because its route says so, and nothing is wrong."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        """Keep what the server asked for: `retry_after_seconds` is None where it asked for nothing."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class PermanentError(BlobToDagError):
    """The same event can never succeed; retrying only hides it."""


class Misconfigured(RetryableError):
    """An app setting or the secret is unusable. Safe to retry: nothing was sent."""

    code = "misconfigured"
    scope = Scope.AIRFLOW


class VaultUnavailable(RetryableError):
    """Key Vault does not give the credentials. Safe to retry: nothing was sent."""

    code = "vault_unavailable"
    scope = Scope.AIRFLOW


class CredentialsRefused(RetryableError):
    """Airflow rejects the log-in. Safe to retry: nothing was created."""

    code = "credentials_refused"
    scope = Scope.AIRFLOW


class AirflowUnreachable(RetryableError):
    """No request left this machine. Safe to retry."""

    code = "airflow_unreachable"
    scope = Scope.AIRFLOW
    quick = True


class AirflowBusy(RetryableError):
    """Airflow rejected the request without processing it. Safe to retry after the time that it names."""

    code = "airflow_busy"
    scope = Scope.AIRFLOW
    quick = True


class AirflowNotFound(RetryableError):
    """Airflow's API is not at this address. Safe to retry, also elsewhere: nothing was created."""

    code = "airflow_not_found"
    scope = Scope.AIRFLOW


class DagMissing(RetryableError):
    """No such DAG, yet. Safe to retry: nothing was created."""

    code = "dag_missing"
    is_answer = True
    scope = Scope.LANE


class DagBroken(RetryableError):
    """The DAG is there but takes no runs. Safe to retry once it is repaired: nothing was created."""

    code = "dag_broken"
    is_answer = True
    scope = Scope.LANE


class DagPaused(RetryableError):
    """The DAG is paused, and its route holds runs meanwhile. Safe to retry: nothing was sent."""

    code = "dag_paused"
    is_answer = True
    scope = Scope.LANE
    waits_as_told = True


class Forbidden(RetryableError):
    """The log-in works, but its role lacks a permission. Safe to retry once the role has it."""

    code = "forbidden"
    is_answer = True
    scope = Scope.LANE


class LookUpForbidden(RetryableError):
    """Airflow reports a conflict and does not let it be looked up. Safe to retry with the same run id."""

    code = "look_up_forbidden"
    is_answer = True
    scope = Scope.LANE
    may_have_been_sent = True


class RouteMissing(RetryableError):
    """No route has this id. Safe to retry once one has it again."""

    code = "route_missing"
    scope = Scope.LANE


class RouteDisabled(RetryableError):
    """The route has `enabled = false`. Safe to retry once it is true: nothing was sent."""

    code = "route_disabled"
    scope = Scope.LANE
    backs_off = False
    waits_as_told = True


class AirflowUnclear(RetryableError):
    """A request may have been sent, its answer is unknown. Safe to retry with the same run id only."""

    code = "airflow_unclear"
    quick = True
    may_have_been_sent = True


class NotAirflow(RetryableError):
    """Something else answers at this address. Safe to retry with the same run id."""

    code = "not_airflow"
    may_have_been_sent = True


class DateTaken(RetryableError):
    """Another run of the DAG has this logical date. Safe to retry with another date and the same run id."""

    code = "date_taken"
    is_answer = True
    quick = True


class AirflowMoved(RetryableError):
    """A request may have been sent to another Airflow. Safe to retry there only."""

    code = "airflow_moved"


class StorageUnavailable(RetryableError):
    """Storage could not be read or written. Safe to retry: nothing was sent."""

    code = "storage_unavailable"


class CopyPending(RetryableError):
    """The blob is the target of a copy that has not finished. Safe to retry: nothing was sent."""

    code = "copy_pending"


class RateLimited(RetryableError):
    """A cap is set: the dispatcher sends the run when there is room. Safe to retry: nothing was sent."""

    code = "rate_limited"
    waits_for_room = True
    backs_off = False


class InOrder(RetryableError):
    """Runs of its route are sent one after another, by the dispatcher. Safe to retry: nothing was sent."""

    code = "in_order"
    waits_for_room = True
    backs_off = False


class AwaitsCompanion(RetryableError):
    """Its route requires other blobs, which are not there yet. Safe to retry: nothing was sent."""

    code = "awaits_companion"
    waits_as_told = True
    backs_off = False


class BatchOpen(RetryableError):
    """Its route starts one run for many files, and waits for the others. Safe to retry: nothing was sent."""

    code = "batch_open"
    waits_as_told = True
    backs_off = False


class AtCapacity(RetryableError):
    """As many calls to Airflow are in progress as are allowed. Safe to retry: nothing was sent."""

    code = "at_capacity"
    waits_for_room = True
    backs_off = False


class OnHold(RetryableError):
    """The lane of the run, or everything, is on hold. Safe to retry: nothing was sent."""

    code = "on_hold"
    backs_off = False


class BadEvent(PermanentError):
    """The event cannot be understood. Retrying cannot help."""

    code = "bad_event"


class NotWatched(PermanentError):
    """The event is of another account or container. Retrying cannot help while the settings stay."""

    code = "not_watched"


class BadConf(PermanentError):
    """The conf cannot be sent as JSON within the size limit. Retrying cannot help."""

    code = "bad_conf"


class CompanionMissing(PermanentError):
    """What its route requires did not come in time. When it comes after all, the run starts."""

    code = "companion_missing"


class RouteGone(PermanentError):
    """No route has asked for this run for longer than the grace time. Retrying cannot help."""

    code = "route_gone"


class DagGone(PermanentError):
    """The DAG has been missing for longer than the grace time. Retrying cannot help."""

    code = "dag_gone"


class RunRefused(PermanentError):
    """Airflow rejects this run, in its own words. Retrying cannot help."""

    code = "run_refused"
    is_answer = True
