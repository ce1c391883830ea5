"""A DAG that cannot be started says why, as far as Airflow tells; its questions hold nobody up."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.airflow.client import AirflowClient
from shared.airflow.dag_report import DagReports, Hints, Questions
from shared.airflow.dialects.base import DagState, ImportFault
from shared.event_log import EventLog
from shared.model.errors import AirflowUnreachable, DagBroken, DagMissing, Forbidden, RetryableError
from tests.airflow.harness import STORAGE, client_of, run_request
from tests.support.airflow_server import AirflowServer, Exchange

TRACEBACK = """Traceback (most recent call last):
  File "/dags/orders.py", line 7
    with DAG("orders"
            ^
SyntaxError: '(' was never closed
"""
FAULT = ImportFault(file="/dags/orders.py", text=TRACEBACK)
OTHER = ImportFault(
    file="/dags/x.py", text="Traceback (most recent call last):\nModuleNotFoundError: No module\n"
)


class Asked:
    """Answers the questions of a report, and counts them."""

    def __init__(
        self,
        *,
        dag: DagState | None = None,
        dag_ids: tuple[str, ...] = (),
        faults: tuple[ImportFault, ...] | RetryableError = (),
    ) -> None:
        self.count: Counter[str] = Counter()
        self.now = 0.0
        self._dag = dag
        self._dag_ids = dag_ids
        self._faults = faults
        questions = Questions(dag=self._ask_dag, dag_ids=self._ask_ids, import_faults=self._ask_faults)
        self.reports = DagReports(questions, clock=lambda: self.now)

    def _ask_dag(self, dag_id: str) -> DagState | None:
        self.count["dag"] += 1
        return self._dag

    def _ask_ids(self) -> tuple[str, ...]:
        self.count["dag_ids"] += 1
        return self._dag_ids

    def _ask_faults(self) -> tuple[ImportFault, ...]:
        self.count["import_faults"] += 1
        if isinstance(self._faults, RetryableError):
            raise self._faults
        return self._faults


def test_missing_dag_shows_the_import_error_of_its_file() -> None:
    """The usual cause of a DAG that was there yesterday: place and message of the error, not its frames."""
    report = Asked(faults=(OTHER, FAULT)).reports.missing("orders")

    assert report == (
        'Import error of \'/dags/orders.py\': File "/dags/orders.py", line 7 | with DAG("orders" | '
        "SyntaxError: '(' was never closed"
    )


def test_missing_dag_shows_similar_names_and_how_many_files_are_broken() -> None:
    """Where no import error is plainly its own."""
    report = Asked(dag_ids=("copy_file", "xyz"), faults=(OTHER,)).reports.missing("copy_fiel")

    assert report == (
        "Similar names: copy_file. 1 DAG files have import errors; the first, '/dags/x.py': "
        "ModuleNotFoundError: No module"
    )


def test_dag_that_airflow_knows_but_does_not_start_is_disabled() -> None:
    """Not missing: its name is right."""
    state = DagState(is_paused=False, has_import_errors=True, file="dags/orders.py")
    report = Asked(dag=state, faults=(FAULT,)).reports.missing("orders")

    assert "the DAG is disabled" in report
    assert "SyntaxError" in report


def test_role_that_may_not_see_import_errors_gets_none() -> None:
    """It is only a hint."""
    assert Asked(faults=Forbidden("no")).reports.broken("orders") == ""


def test_report_is_made_once_a_minute_for_each_dag() -> None:
    """Every blob of a route meets its missing DAG."""
    asked = Asked(dag_ids=("copy_file",))
    for _ in range(100):
        asked.reports.missing("copy_fiel")
        asked.reports.missing("copy_flie")
    in_first_minute = Counter(asked.count)
    asked.now = 61.0
    asked.reports.missing("copy_fiel")

    assert in_first_minute == {"dag": 2, "dag_ids": 1, "import_faults": 1}
    assert asked.count == {"dag": 3, "dag_ids": 2, "import_faults": 2}


def test_nobody_waits_while_one_thread_asks() -> None:
    """30 s of a slow list of DAGs would shut everybody out."""
    is_asked, may_answer = threading.Event(), threading.Event()

    def ask(key: str) -> str:
        is_asked.set()
        may_answer.wait(5)
        return "answer"

    hints = Hints(ask, "nothing yet")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(hints.get)
        assert is_asked.wait(5)
        meanwhile = hints.get()
        may_answer.set()
        answer = slow.result()

    assert (meanwhile, answer, hints.get()) == ("nothing yet", "answer", "answer")


def test_keys_do_not_pile_up() -> None:
    """A hostile file name may choose among many DAGs."""
    hints = Hints(str, "")
    for number in range(2_000):
        hints.get(str(number))

    assert len(hints._known) <= 500


def client_to(server: AirflowServer) -> AirflowClient:
    """Build a client without a log-in."""
    environ = {"AIRFLOW_BASE_URL": server.base_url, "AIRFLOW_API": "v2", "AIRFLOW_AUTH": "none", **STORAGE}
    return client_of(environ, EventLog())


def test_trigger_asks_nothing_more_about_a_missing_dag(server: AirflowServer) -> None:
    """It has a permit, which others need; `explained` is called without one."""
    client = client_to(server)
    with pytest.raises(DagMissing, match=r"Airflow has no DAG 'copy_fiel'\. Check its name") as caught:
        client.trigger(run_request(dag_id="copy_fiel"))
    asked = dict(server.requests)

    assert asked == {"POST dagRuns": 1}
    assert str(client.explained(caught.value, "copy_fiel")).endswith("Similar names: copy_file.")


def test_broken_dag_shows_its_import_error(server: AirflowServer) -> None:
    """From `GET /importErrors`."""
    errors = {"import_errors": [{"filename": "orders.py", "stack_trace": TRACEBACK}], "total_entries": 1}

    def answer(exchange: Exchange) -> bool:
        if exchange.path.endswith("/importErrors"):
            exchange.answer(200, errors)
        elif exchange.path.endswith("/dags/orders"):
            exchange.answer(200, {"is_paused": False, "relative_fileloc": "orders.py"})
        else:
            return False
        return True

    server.faults.append(answer)
    explained = client_to(server).explained(DagBroken("It has import errors."), "orders")

    assert isinstance(explained, DagBroken)
    assert "line 7" in str(explained)
    assert "SyntaxError" in str(explained)


def test_hint_that_fails_leaves_the_error_as_it_is(server: AirflowServer) -> None:
    """Also in a way that nobody thought of."""
    client = client_to(server)
    error = DagMissing("gone")

    def fail(dag_id: str) -> str:
        raise ZeroDivisionError

    client._reports.missing = fail  # type: ignore[method-assign]

    assert client.explained(error, "d") is error
    other = AirflowUnreachable("down")
    assert client.explained(other, "d") is other
