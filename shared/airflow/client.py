"""`AirflowClient`: start a DAG run exactly once, whichever generation of Airflow answers."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import Enum
from http import HTTPStatus

from shared.airflow.answer import Answer
from shared.airflow.call import Call, Exchange
from shared.airflow.dag_names import DagNames
from shared.airflow.dates import logical_dates
from shared.airflow.dialect import DagState, Dialect, Health, Triggered, WaitingRuns
from shared.airflow.http import AirflowHttp
from shared.airflow.link import Link, LinkSource, converse
from shared.airflow.meaning import Meaning
from shared.model.conf import encode_conf
from shared.model.errors import (
    AirflowBusy,
    AirflowNotFound,
    AirflowUnclear,
    AirflowUnreachable,
    BlobToDagError,
    CredentialsRefused,
    DagMissing,
    DateTaken,
    Forbidden,
    LookUpForbidden,
    NotAirflow,
    RetryableError,
    RunRefused,
)
from shared.model.run_request import RunRequest


class Delivery(Enum):
    """How a run came to be there."""

    CREATED = "created"
    ALREADY_THERE = "already_there"


class AirflowClient:
    """The operations of Airflow that the app needs, in whichever dialect.

    The happy path is one request: post first, look up only on a conflict.
    """

    def __init__(self, http: AirflowHttp, link: LinkSource, *, conf_max_bytes: int) -> None:
        self._http = http
        self._link = link
        self._conf_max_bytes = conf_max_bytes
        self._dag_names = DagNames(self.dag_ids)

    def trigger(self, run: RunRequest) -> Delivery:
        """Make sure that the run is there.

        Raises:
            BadConf: Nothing was sent: the conf is not JSON, or too large.
            PermanentError: Airflow will not take this run, whatever happens.
            RetryableError: The run may or may not be there; calling again with the same run id settles it.
        """
        if run.dag_id in {"", ".", ".."}:
            msg = f"{run.dag_id!a} cannot be the id of a DAG."
            raise RunRefused(msg)
        run = replace(run, conf=encode_conf(run.conf, max_bytes=self._conf_max_bytes))
        # Once for all dates: an Airflow is not to change its generation within one run.
        link = self._link.get()
        for date in logical_dates(run):
            dated = replace(run, logical_date=date)
            triggered = self._carry_out(link, link.dialect.trigger(dated))
            delivery = self._settle(link, dated, triggered)
            if delivery:
                return delivery
        if triggered.meaning is not Meaning.CONFLICT:
            raise _error(triggered, run)
        msg = (
            f"Airflow says that the run conflicts with another one, but has no run {run.run_id}: "
            f"other runs of {run.dag_id!a} have its logical date."
        )
        raise DateTaken(msg)

    def find(self, dag_id: str, run_id: str) -> str | None:
        """Give the state of a run; None if there is no such run. Raises RetryableError."""
        return self._ask(lambda dialect: dialect.find(dag_id, run_id))

    def dag_ids(self) -> Iterator[str]:
        """List the ids of the active DAGs, 2,000 at the most; of Airflow 1.10 those that ever ran."""
        yield from self._ask(lambda dialect: dialect.dag_ids())

    def dag(self, dag_id: str) -> DagState | None:
        """Give the state of a DAG; None if there is no such DAG. Raises RetryableError."""
        return self._ask(lambda dialect: dialect.dag(dag_id))

    def is_paused(self, dag_id: str) -> bool:
        """Tell whether the DAG is paused; one that is not there is not. Raises RetryableError."""
        state = self.dag(dag_id)
        return state is not None and state.is_paused

    def count_waiting(self, dag_id: str | None = None) -> WaitingRuns:
        """Count the runs that wait, of one DAG or all, those of paused DAGs apart. Raises RetryableError."""
        return self._ask(lambda dialect: dialect.waiting_runs(dag_id))

    def waiting_runs(self, dag_id: str | None = None) -> int:
        """Count the runs that wait for a worker, of one DAG or of all. Raises RetryableError."""
        return self.count_waiting(dag_id).of_active_dags

    def health(self) -> Health:
        """Ask how Airflow is. Raises RetryableError."""
        return self._ask(lambda dialect: dialect.health())

    def version(self) -> str:
        """Ask which Airflow it is. Raises RetryableError."""
        return self._ask(lambda dialect: dialect.version())

    @property
    def api(self) -> str:
        """The dialect in use, as `AIRFLOW_API` says it. Raises RetryableError if it cannot be found out."""
        return self._link.get().dialect.name

    def _ask[T](self, operation: Callable[[Dialect], Exchange[T]]) -> T:
        link = self._link.get()
        try:
            return self._carry_out(link, operation(link.dialect))
        except AirflowNotFound:
            self._link.doubt()
            raise
        except AirflowUnclear as error:
            # A question creates no run: whatever became of it, none was asked for.
            raise AirflowUnreachable(str(error)) from None

    def _carry_out[T](self, link: Link, exchange: Exchange[T]) -> T:
        def send(call: Call) -> Answer:
            return self._http.send(call, auth=link.auth)

        return converse(exchange, send)

    def _settle(self, link: Link, run: RunRequest, triggered: Triggered) -> Delivery | None:
        """Say what an answer means for the run; None if another run has its date."""
        match triggered.meaning:
            case Meaning.CREATED:
                return Delivery.CREATED
            case Meaning.EXISTS:
                return Delivery.ALREADY_THERE
            case Meaning.CONFLICT:
                return self._look_up(link, run, triggered)
            case Meaning.UNCLEAR if run.logical_date and link.dialect.hides_taken_dates:
                return self._look_up(link, run, triggered)
            case Meaning.DAG_MISSING:
                raise DagMissing(self._missing_dag_message(run.dag_id))
            case Meaning.FOREIGN:
                self._link.doubt()
                if triggered.answer.status >= HTTPStatus.MULTIPLE_CHOICES:
                    msg = f"{_said(run, triggered)}. {_ADDRESS}"
                    raise AirflowNotFound(msg)
        raise _error(triggered, run)

    def _look_up(self, link: Link, run: RunRequest, triggered: Triggered) -> Delivery | None:
        """Tell a repeated run id from a taken logical date: only a look-up can."""
        said = _said(run, triggered)
        try:
            state = self._carry_out(link, link.dialect.find(run.dag_id, run.run_id))
        except Forbidden:
            msg = (
                f"{said}. Whether that is this run could not be looked up: the role of the app's user may "
                "create DAG runs but not read them. Let it read them."
            )
            raise LookUpForbidden(msg) from None
        except RetryableError as error:
            # Not as it is: it would say that nothing was sent, but the run may be there.
            msg = f"{said}. Whether that is this run could not be looked up: {error}"
            raise AirflowUnclear(msg, retry_after_seconds=error.retry_after_seconds) from None
        return None if state is None else Delivery.ALREADY_THERE

    def _missing_dag_message(self, dag_id: str) -> str:
        near = self._dag_names.near(dag_id)
        names = f" Near names: {', '.join(near)}." if near else ""
        question = "Is its name right, is it deployed and free of import errors?"
        return f"Airflow has no DAG {dag_id!a}.{names} {question}"


def _said(run: RunRequest, triggered: Triggered) -> str:
    return (
        f"Airflow answered {triggered.answer.status} to triggering {run.dag_id!a}: {triggered.answer.words}"
    )


_ADDRESS = "Is AIRFLOW_BASE_URL the address of Airflow itself?"
_ERRORS: dict[Meaning, tuple[type[RetryableError | RunRefused], str]] = {
    Meaning.REFUSED: (RunRefused, ""),
    Meaning.DAG_BROKEN: (DagMissing, "Mend its file; the run waits."),
    Meaning.BAD_CREDENTIALS: (CredentialsRefused, "Are the credentials right, is the user active?"),
    Meaning.FORBIDDEN: (Forbidden, "Does the role of the app's user allow to create runs of this DAG?"),
    Meaning.BUSY: (AirflowBusy, ""),
    Meaning.UNCLEAR: (AirflowUnclear, ""),
    Meaning.FOREIGN: (NotAirflow, _ADDRESS),
}


def _error(triggered: Triggered, run: RunRequest) -> BlobToDagError:
    kind, advice = _ERRORS[triggered.meaning]
    message = f"{_said(run, triggered)}. {advice}".strip()
    if issubclass(kind, RetryableError):
        return kind(message, retry_after_seconds=triggered.answer.retry_after_seconds())
    return kind(message)
