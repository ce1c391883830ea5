"""`AirflowClient`: start a DAG run exactly once, in any generation of Airflow."""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from functools import partial

from shared.airflow.dag_names import DagNames
from shared.airflow.dates import logical_dates
from shared.airflow.dialects.base import DagState, Dialect, WaitingRuns
from shared.airflow.http import AirflowHttp
from shared.airflow.request import Flow
from shared.airflow.response_rule import ResponseKind
from shared.airflow.responses import Triggered
from shared.airflow.session import ApiSession, SessionSource, run_flow
from shared.model.conf import encode_conf
from shared.model.errors import (
    AirflowNotFound,
    AirflowUnclear,
    AirflowUnreachable,
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


class AirflowClient:
    """The operations of Airflow that the app needs, in any dialect.

    The happy path is one request: post first, look up only on a conflict.
    """

    def __init__(self, http: AirflowHttp, sessions: SessionSource, *, conf_max_bytes: int) -> None:
        self._http = http
        self._sessions = sessions
        self._conf_max_bytes = conf_max_bytes
        self._dag_names = DagNames(self.dag_ids)

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
        # One session for all dates: one run is not sent in two dialects.
        session = self._sessions.get()
        for date in logical_dates(run):
            dated = replace(run, logical_date=date)
            triggered = self._run(session, session.dialect.trigger(dated))
            delivery = self._settle(session, dated, triggered)
            if delivery:
                return delivery
        kind = triggered.rule.outcome
        if not isinstance(kind, ResponseKind):
            raise triggered.error(run, kind)
        msg = (
            f"Airflow reports that the run conflicts with another one, but has no run {run.run_id}: "
            f"other runs of {run.dag_id!a} have its logical date."
        )
        raise DateTaken(msg)

    def find(self, dag_id: str, run_id: str) -> str | None:
        """Return the state of a run; None if there is no such run. Raises RetryableError."""
        return self._ask(lambda dialect: dialect.find(dag_id, run_id))

    def dag_ids(self) -> list[str]:
        """List up to 2,000 ids of active DAGs; of Airflow 1.10 those that ever ran. Raises RetryableError."""
        return self._ask(lambda dialect: dialect.dag_ids())

    def dag(self, dag_id: str) -> DagState | None:
        """Return the state of a DAG; None if there is no such DAG. Raises RetryableError."""
        return self._ask(lambda dialect: dialect.dag(dag_id))

    def is_paused(self, dag_id: str) -> bool:
        """Tell whether the DAG is paused; a missing one is not. Raises RetryableError."""
        state = self.dag(dag_id)
        return state is not None and state.is_paused

    def count_waiting(self, dag_id: str | None = None) -> WaitingRuns:
        """Count the runs that wait, of one DAG or all, those of paused DAGs apart. Raises RetryableError."""
        return self._ask(lambda dialect: dialect.waiting_runs(dag_id))

    def waiting_runs(self, dag_id: str | None = None) -> int:
        """Count the runs that wait for a worker, of one DAG or all. Raises RetryableError."""
        return self.count_waiting(dag_id).of_active_dags

    def version(self) -> str:
        """Return the version of Airflow. Raises RetryableError."""
        return self._ask(lambda dialect: dialect.version())

    @property
    def api(self) -> str:
        """The dialect in use, as a value of `AIRFLOW_API`. Raises RetryableError if it is not known."""
        return self._sessions.get().dialect.name

    def _ask[T](self, operation: Callable[[Dialect], Flow[T]]) -> T:
        session = self._sessions.get()
        try:
            return self._run(session, operation(session.dialect))
        except AirflowNotFound:
            self._sessions.invalidate()
            raise
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
                    raise DagMissing(self._missing_dag_message(run.dag_id))
                if kind in (NotAirflow, AirflowNotFound):
                    self._sessions.invalidate()
                raise triggered.error(run, kind)

    def _look_up(self, session: ApiSession, run: RunRequest, triggered: Triggered) -> Delivery | None:
        """Tell a repeated run id from a taken logical date: only a look-up can."""
        summary = triggered.summary(run)
        try:
            state = self._run(session, session.dialect.find(run.dag_id, run.run_id))
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
        return None if state is None else Delivery.ALREADY_THERE

    def _missing_dag_message(self, dag_id: str) -> str:
        near = self._dag_names.near(dag_id)
        names = f" Similar names: {', '.join(near)}." if near else ""
        return (
            f"Airflow has no DAG {dag_id!a}.{names} Check its name, and that its file is deployed and "
            "imports without errors."
        )
