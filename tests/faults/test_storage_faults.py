"""Storage answers 503, and several dispatchers drain at once: as many runs as versions."""

import io
from collections.abc import Callable
from typing import Any

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from shared.storage import accounts
from shared.storage.drain_lease import DrainLease, Handover
from tests.support.airflow_server import Exchange
from tests.support.fault_harness import FaultHarness
from tests.support.scale import scaled

pytestmark = pytest.mark.stack

IN_TURN = """[[route]]
name = "ledger"
match = "landing/{file}.csv"
dag_id = "copy_file"
requires = "landing/{file}.csv.done"
ordered = true
"""


@pytest.fixture
def fail_storage(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], bool], Callable[[], bool]], None]:
    """Return what lets the app's storage requests fail: when, and whether only their answers are lost.

    The test's own requests go another way.
    """

    def fail(is_faulty: Callable[[], bool], is_answer_lost: Callable[[], bool]) -> None:
        class FaultyAdapter(HTTPAdapter):
            def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
                if not is_faulty():
                    return super().send(request, *args, **kwargs)
                if is_answer_lost():
                    super().send(request, *args, **kwargs).close()
                busy = urllib3.HTTPResponse(
                    body=io.BytesIO(b""),
                    status=503,
                    headers={"x-ms-error-code": "ServerBusy", "Content-Length": "0"},
                    preload_content=False,
                )
                return self.build_response(request, busy)

        monkeypatch.setattr(accounts, "HTTPAdapter", FaultyAdapter)

    return fail


@pytest.mark.fault("storage answers 503 to one operation of ten", airflow="stand-in")
def test_storage_that_answers_503_to_one_operation_of_ten(
    harness: FaultHarness, fail_storage: Callable[..., None]
) -> None:
    """Half of them were carried out all the same; every second file has to wait for Airflow."""
    chance = harness.random.random
    fail_storage(lambda: chance() < 0.1, lambda: chance() < 0.5)
    app = harness.app(AIRFLOW_RETRY_BUDGET_SECONDS="0")
    names = harness.upload(scaled(60, 600))
    _let_some_wait(harness)

    harness.deliver(app, names)
    harness.drain(app)

    harness.assert_one_run_each(names)


@pytest.mark.fault("storage answers 503 to two operations of five", airflow="stand-in")
def test_storage_that_fails_more_often_than_the_sdk_retries(
    harness: FaultHarness, fail_storage: Callable[..., None]
) -> None:
    """One operation of sixteen fails for good: what the app itself does about it counts."""
    chance = harness.random.random
    fail_storage(lambda: chance() < 0.4, lambda: chance() < 0.5)
    app = harness.app(AIRFLOW_RETRY_BUDGET_SECONDS="0")
    names = harness.upload(scaled(15, 150))
    _let_some_wait(harness)

    harness.deliver(app, names)
    harness.drain(app, seconds=scaled(180, 900))

    harness.assert_one_run_each(names)


@pytest.mark.fault("storage answers 503, ordered route with companions", airflow="stand-in")
def test_storage_that_fails_while_files_wait_for_companions_and_their_turn(
    harness: FaultHarness, fail_storage: Callable[..., None]
) -> None:
    """File and companion in any order, one operation of ten fails, half of those only in their answer."""
    chance = harness.random.random
    fail_storage(lambda: chance() < 0.1, lambda: chance() < 0.5)
    app = harness.app(AIRFLOW_RETRY_BUDGET_SECONDS="0", AIRFLOW_DAG_ID="", AIRFLOW_ROUTES=IN_TURN)
    names = harness.upload(scaled(20, 200))
    for name in names:
        harness.landing.upload_blob(f"{name}.done", b"")
    told = [*names, *(f"{name}.done" for name in names)]
    harness.random.shuffle(told)
    _let_some_wait(harness)

    harness.deliver(app, told)
    harness.drain(app)

    harness.assert_one_run_each(names)


@pytest.mark.fault("two dispatchers at once", airflow="stand-in")
def test_two_dispatchers_at_once(harness: FaultHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any lease, each row is posted by whoever reads it: the run id makes one run of that."""
    monkeypatch.setattr(DrainLease, "_acquire", lambda _lease: _NoLease())
    monkeypatch.setattr(DrainLease, "_read", lambda _lease: Handover())
    harness.airflow.dags.clear()
    apps = [harness.app(AIRFLOW_MAX_CONCURRENCY="8") for _ in range(2)]
    names = harness.upload(scaled(100, 1_000))
    harness.deliver(apps[0], names)
    assert harness.waiting() == len(names)

    harness.airflow.dags.add("copy_file")
    harness.drain(*apps)

    harness.assert_one_run_each(names)
    # Both have posted: otherwise they were not at it at once.
    assert harness.airflow.requests["POST dagRuns"] > len(names)


class _NoLease:
    def renew(self) -> None:
        """Renew nothing."""

    def release(self) -> None:
        """Release nothing."""


def _let_some_wait(harness: FaultHarness) -> None:
    """Let one trigger call of two fail, so that the outbox is used."""

    def fault(exchange: Exchange) -> bool:
        is_trigger = exchange.method == "POST" and exchange.path.endswith("/dagRuns")
        if not is_trigger or harness.random.random() < 0.5:
            return False
        exchange.answer(500, "<html>database is locked</html>")
        return True

    harness.airflow.faults.append(fault)
