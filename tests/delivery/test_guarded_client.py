"""The guarded client: a permit for each call, and whose trouble a failure is."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.airflow.time_limit import time_limit
from shared.delivery.guarded_client import GuardedClient
from shared.delivery.permits import Permits
from shared.model.errors import (
    AirflowBusy,
    AirflowNotFound,
    AirflowUnclear,
    AirflowUnreachable,
    AtCapacity,
    CredentialsRefused,
    DagBroken,
    DagMissing,
    Forbidden,
    NotAirflow,
    RetryableError,
    Scope,
)
from shared.model.lane import Lane
from shared.model.run_request import RunRequest
from tests.support.clock import FakeClock
from tests.support.harness import FakeAirflow, failing, well

LANE = Lane(route_id="r", dag_id="d")
RUN = RunRequest(dag_id="d", run_id="i", conf={}, route="r", route_id="r")


class Stage:
    """A guarded client of a fake Airflow."""

    def __init__(self, most: int = 4) -> None:
        self.clock = FakeClock()
        self.airflow = FakeAirflow()
        self.permits = Permits(most, patience_seconds=0.0)
        self.client = GuardedClient(self.airflow, self.permits, clock=self.clock)

    def fails(self, error: RetryableError) -> RetryableError:
        """Let one call fail; return its error as it was judged."""

        def answer(run: RunRequest) -> None:
            raise error

        self.airflow.answer = answer
        with pytest.raises(type(error)):
            self.client.trigger(RUN, LANE)
        return self.client.judge(error)

    def succeeds(self) -> None:
        """Let one call succeed."""
        self.airflow.answer = well
        self.client.trigger(RUN, LANE)


def test_failure_that_there_is_no_time_to_judge_says_nothing_of_others() -> None:
    """A question that is cut off would say that Airflow is down."""
    stage = Stage()
    stage.airflow.down = AirflowUnreachable("no time")

    with time_limit(0):
        error = stage.fails(AirflowUnreachable("no time"))

    assert error.scope is Scope.EVENT
    assert not stage.airflow.questions


def test_no_more_calls_at_once_than_allowed() -> None:
    """Whatever the number of threads and lanes."""
    stage = Stage()
    stage.permits = Permits(4, patience_seconds=10)
    client = GuardedClient(stage.airflow, stage.permits)
    lock, now, most = threading.Lock(), 0, 0

    def answer(run: RunRequest) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1

    stage.airflow.answer = answer
    with ThreadPoolExecutor(32) as pool:
        list(
            pool.map(
                lambda number: client.trigger(RUN, Lane(route_id=str(number % 8), dag_id="d")), range(64)
            )
        )

    assert most == 4


def test_questions_need_a_permit_too() -> None:
    """They are calls like any other."""
    stage = Stage(most=1)

    with stage.permits.acquire(LANE):
        with pytest.raises(AtCapacity):
            stage.client.is_paused("d", LANE)
        with pytest.raises(AtCapacity):
            stage.client.find("d", "i", LANE)


def test_success_widens_the_window() -> None:
    """Slow start."""
    stage = Stage()

    stage.succeeds()

    assert stage.permits.window(LANE) == 2


@pytest.mark.parametrize(
    ("error", "window"),
    [(AirflowUnclear("500"), 1), (AirflowUnreachable("no"), 1), (DagMissing("no such DAG"), 2)],
)
def test_only_what_is_no_answer_narrows_the_window(error: RetryableError, window: int) -> None:
    """Airflow's own answer shows that it copes."""
    stage = Stage()
    stage.succeeds()

    stage.fails(error)

    assert stage.permits.window(LANE) == window


@pytest.mark.parametrize("kind", [AirflowUnclear, NotAirflow, AirflowUnreachable, AirflowNotFound])
@pytest.mark.parametrize(("is_down", "scope"), [(True, Scope.AIRFLOW), (False, Scope.EVENT)])
def test_failure_is_airflows_only_if_a_question_of_its_own_fails_too(
    kind: type[RetryableError],
    is_down: bool,  # noqa: FBT001
    scope: Scope,
) -> None:
    """A DAG that always answers 500, a gateway that refuses one name: the rest is well."""
    stage = Stage()
    stage.airflow.down = AirflowUnreachable("down") if is_down else None

    assert stage.fails(kind("x")).scope is scope
    assert stage.airflow.questions == {"version": 1}


def test_answer_to_the_question_holds_for_five_seconds() -> None:
    """A thousand failures ask once."""
    stage = Stage()

    for _ in range(49):
        stage.client.judge(AirflowUnclear("500"))
        stage.clock.now += 0.1
    assert stage.airflow.questions == {"version": 1}

    stage.clock.now += 0.2
    stage.client.judge(AirflowUnclear("500"))
    assert stage.airflow.questions == {"version": 2}


def test_threads_that_fail_together_share_one_question() -> None:
    """Those that wait for its answer take it, however long it took."""
    stage = Stage()

    def version() -> str:
        time.sleep(0.1)
        stage.clock.now += 40
        stage.airflow.questions["slow"] += 1
        return "3"

    client = GuardedClient(stage.airflow, stage.permits, clock=stage.clock)
    client._version._ask = version
    barrier = threading.Barrier(8)

    def judge(_: int) -> Scope:
        barrier.wait(5)
        return client.judge(AirflowUnclear("500")).scope

    with ThreadPoolExecutor(8) as pool:
        scopes = list(pool.map(judge, range(8)))

    assert set(scopes) == {Scope.EVENT}
    assert stage.airflow.questions["slow"] == 1


def test_log_in_that_was_accepted_a_moment_ago_is_not_refused() -> None:
    """A gateway's 403 page for one name, or a DAG that the role may not start."""
    stage = Stage()
    stage.succeeds()
    stage.airflow.waiting = CredentialsRefused("no")

    assert stage.fails(CredentialsRefused("403")).scope is Scope.EVENT

    stage.clock.now += 31
    assert stage.fails(CredentialsRefused("403")).scope is Scope.AIRFLOW


@pytest.mark.parametrize(
    ("answer", "scope"),
    [
        (0, Scope.EVENT),
        (Forbidden("may not read runs"), Scope.EVENT),
        (CredentialsRefused("no"), Scope.AIRFLOW),
        (AirflowUnreachable("down"), Scope.AIRFLOW),
    ],
)
def test_whether_the_log_in_is_refused_is_asked_without_the_event(
    answer: int | RetryableError, scope: Scope
) -> None:
    """A poisoned name at the head must not hold everything for ever."""
    stage = Stage()
    stage.airflow.waiting = answer

    assert stage.fails(CredentialsRefused("403")).scope is scope
    assert stage.airflow.questions == {"check_log_in": 1}


def test_what_is_no_doubt_is_not_asked_about() -> None:
    """The error class says it."""
    stage = Stage()

    assert stage.client.judge(DagMissing("x")).scope is Scope.LANE
    assert stage.client.judge(AirflowBusy("429")).scope is Scope.AIRFLOW
    assert stage.airflow.questions == {}


@pytest.mark.parametrize("error", [DagMissing("gone"), DagBroken("broken")])
def test_message_of_a_dag_is_completed_without_a_permit(error: RetryableError) -> None:
    """A slow list of DAGs must not take the place of a run."""
    stage = Stage(most=1)
    in_flight: list[int] = []

    def explained(raised: RetryableError, dag_id: str) -> RetryableError:
        in_flight.append(stage.permits._total)
        return type(raised)(f"{raised}, {dag_id}: its file has an import error")

    stage.airflow.explained = explained  # type: ignore[assignment, method-assign]
    stage.airflow.answer = failing(error)
    with pytest.raises(type(error), match="d: its file has an import error"):
        stage.client.trigger(RUN, LANE)

    assert in_flight == [0]
