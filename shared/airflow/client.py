"""`AirflowClient`: start a DAG run exactly once, in any generation of Airflow."""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from functools import partial

from shared.airflow.advice import advice
from shared.airflow.again import ask_twice
from shared.airflow.dag_report import DagReports, Questions
from shared.airflow.dates import logical_dates
from shared.airflow.dialects.base import DagState, Dialect, ImportFault, WaitingRuns
from shared.airflow.http import AirflowHttp
from shared.airflow.request import Flow
from shared.airflow.response_rule import ResponseKind
from shared.airflow.responses import Triggered
from shared.airflow.session import ApiSession, SessionSource, run_flow
from shared.airflow.time_limit import time_limit
from shared.model.conf import encode_conf
from shared.model.errors import (
    AirflowNotFound,
    AirflowUnclear,
    AirflowUnreachable,
    BlobToDagError,
    CredentialsRefused,
    DagBroken,
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
    """Whether a call created the run, or it existed before."""

    CREATED = "created"
    ALREADY_THERE = "already_there"


_HINT_SECONDS = 10.0


class AirflowClient:
    """The operations of Airflow that the app needs, in any dialect.

    The happy path is one request: post first, look up only on a conflict.

    Args:
        http: Sends requests.
        sessions: Knows the dialect.
        conf_max_bytes: Largest conf to send.
        limit_seconds: How long one operation may take, with its log-in and look-up.
    """

    def __init__(
        self, http: AirflowHttp, sessions: SessionSource, *, conf_max_bytes: int, limit_seconds: float
    ) -> None:
        self._http = http
        self._sessions = sessions
        self._conf_max_bytes = conf_max_bytes
        self._limit_seconds = limit_seconds
        self._reports = DagReports(
            Questions(dag=self.dag, dag_ids=self.dag_ids, import_faults=self.import_faults)
        )

    def trigger(self, run: RunRequest) -> Delivery:
        """Make sure that the run exists.

        Raises:
            BadConf: Nothing was sent: the conf is not JSON, or too large.
            PermanentError: Airflow will never accept this run.
            RetryableError: The run may or may not exist; calling again with the same run id settles it.
        """
        if run.dag_id in {"", ".", ".."}:
            msg = f"{run.dag_id!a} cannot be the id of a DAG."
            raise RunRefused(msg)
        run = replace(run, conf=encode_conf(run.conf, max_bytes=self._conf_max_bytes))
        with time_limit(self._limit_seconds):
            # One session for all dates: one run is not sent in two dialects.
            session = self._sessions.get()
            if not session.takes_notes:
                run = replace(run, note="")
            try:
                return self._trigger(session, run)
            except BlobToDagError:
                raise
            except Exception as error:  # noqa: BLE001  (the run may exist, whatever went wrong here)
                msg = f"The response of Airflow could not be worked with ({type(error).__name__})."
                raise AirflowUnclear(msg) from None

    def explained(self, error: RetryableError, dag_id: str) -> RetryableError:
        """Return the error of a missing or broken DAG with what else Airflow knows about it; never raises.

        Its questions need no permit: they are asked once a minute at most.
        """
        try:
            with time_limit(_HINT_SECONDS):
                found = self._hint(error, dag_id)
        except Exception:  # noqa: BLE001  (it is only a hint)
            found = ""
        if not found:
            return error
        explained = type(error)(f"{error} {found}")
        vars(explained).update(vars(error))
        return explained

    def check_log_in(self) -> None:
        """Ask what only a known user is answered, and what has nothing to do with any event.

        Raises:
            CredentialsRefused: The log-in is refused, or cannot be told from one that is.
            RetryableError: There is no answer.
        """
        self.ask(lambda dialect: dialect.check_log_in())

    def import_faults(self) -> list[ImportFault]:
        """List the first files with import errors. Raises RetryableError; Forbidden without permission."""
        return self.ask(lambda dialect: dialect.import_faults())

    def _hint(self, error: RetryableError, dag_id: str) -> str:
        match error:
            case DagMissing():
                return self._reports.missing(dag_id)
            case DagBroken():
                return self._reports.broken(dag_id)
        return ""

    def _trigger(self, session: ApiSession, run: RunRequest) -> Delivery:
        for date in logical_dates(run):
            dated = replace(run, logical_date=date)
            triggered = self._run(session, session.dialect.trigger(dated))
            delivery = self._settle(session, dated, triggered)
            if delivery:
                return delivery
        kind = triggered.rule.outcome
        if not isinstance(kind, ResponseKind):
            raise triggered.error(run, kind, _advice(kind, session))
        msg = (
            f"Airflow reports that the run conflicts with another one, but has no run {run.run_id}: "
            f"other runs of {run.dag_id!a} have its logical date."
        )
        raise DateTaken(msg)

    def find(self, dag_id: str, run_id: str) -> str | None:
        """Return the state of a run; None if there is no such run. Raises RetryableError."""
        run = self.ask(lambda dialect: dialect.find(dag_id, run_id))
        return run.state if run else None

    def dag_ids(self) -> list[str]:
        """List up to 2,000 ids of active DAGs; of Airflow 1.10 those that ever ran. Raises RetryableError."""
        return self.ask(lambda dialect: dialect.dag_ids())

    def dag(self, dag_id: str) -> DagState | None:
        """Return the state of a DAG; None if there is no such DAG. Raises RetryableError."""
        return self.ask(lambda dialect: dialect.dag(dag_id))

    def is_paused(self, dag_id: str) -> bool:
        """Tell whether the DAG is paused; a missing one is not. Raises RetryableError."""
        state = self.dag(dag_id)
        return state is not None and state.is_paused

    def count_waiting(self, dag_id: str | None = None) -> WaitingRuns:
        """Count the runs that wait, of one DAG or all, those of paused DAGs apart. Raises RetryableError."""
        return self.ask(lambda dialect: dialect.waiting_runs(dag_id))

    def waiting_runs(self, dag_id: str | None = None) -> int:
        """Count the runs that wait for a worker, of one DAG or all. Raises RetryableError."""
        return self.count_waiting(dag_id).of_active_dags

    def version(self) -> str:
        """Return the version of Airflow. Raises RetryableError."""
        return self.ask(lambda dialect: dialect.version())

    @property
    def api(self) -> str:
        """The dialect in use, as a value of `AIRFLOW_API`. Raises RetryableError if it is not known."""
        return self._sessions.get().dialect.name

    @property
    def lists_conf(self) -> bool:
        """Whether the list of runs has pages and shows each run's conf. Raises RetryableError as `api`."""
        return self._sessions.get().dialect.lists_conf

    def ask[T](self, operation: Callable[[Dialect], Flow[T]]) -> T:
        """Ask a question in the dialect of this Airflow. Raises RetryableError."""
        with time_limit(self._limit_seconds):
            session = self._sessions.get()
            try:
                return ask_twice(lambda: self._run(session, operation(session.dialect)))
            except AirflowNotFound:
                self._sessions.invalidate()
                raise
            except CredentialsRefused as error:
                what_to_do = _advice(CredentialsRefused, session)
                msg = f"{str(error).rstrip('.')}. {what_to_do}"
                raise CredentialsRefused(msg) from None
            except AirflowUnclear as error:
                # A question creates no run, whatever became of it.
                raise AirflowUnreachable(str(error)) from None

    def _run[T](self, session: ApiSession, flow: Flow[T]) -> T:
        return run_flow(flow, partial(self._http.send, auth=session.auth))

    def _settle(self, session: ApiSession, run: RunRequest, triggered: Triggered) -> Delivery | None:
        """Return what a response means for the run; None if another run has its date."""
        match triggered.rule.outcome:
            case ResponseKind.CREATED:
                return Delivery.CREATED
            case ResponseKind.EXISTS:
                return Delivery.ALREADY_THERE
            case ResponseKind.CONFLICT:
                return self._look_up(session, run, triggered)
            case kind:
                if kind is AirflowUnclear and run.logical_date and session.dialect.hides_taken_dates:
                    return self._look_up(session, run, triggered)
                if kind is DagMissing:
                    msg = (
                        f"Airflow has no DAG {run.dag_id!a}. Check its name, and that its file is deployed "
                        "and imports without errors."
                    )
                    raise DagMissing(msg)
                if kind in (NotAirflow, AirflowNotFound):
                    self._sessions.invalidate()
                raise triggered.error(run, kind, _advice(kind, session))

    def _look_up(self, session: ApiSession, run: RunRequest, triggered: Triggered) -> Delivery | None:
        """Tell a repeated run id from a taken logical date: only a look-up can."""
        summary = triggered.summary(run)
        try:
            found = ask_twice(lambda: self._run(session, session.dialect.find(run.dag_id, run.run_id)))
        except Forbidden:
            msg = (
                f"{summary}. Whether that is this run could not be looked up: the role of the app's user may "
                "create DAG runs but not read them. Allow it to read them."
            )
            raise LookUpForbidden(msg) from None
        except RetryableError as error:
            # Not the error itself: it would say that nothing was sent, but the run may exist.
            msg = f"{summary}. Whether that is this run could not be looked up: {error}"
            raise AirflowUnclear(msg, retry_after_seconds=error.retry_after_seconds) from None
        return None if found is None else Delivery.ALREADY_THERE


def _advice(kind: type[BlobToDagError], session: ApiSession) -> str:
    return advice(kind, api=session.dialect.name, auth=session.auth_kind)
