"""Airflow fails in every way that it can: as many runs as blob versions, none lost, none doubled."""

import socket
import time
from typing import Any

import pytest

from tests.support.airflow_server import Exchange
from tests.support.fault_harness import FaultHarness
from tests.support.scale import scaled

pytestmark = pytest.mark.stack

VERSIONS = scaled(120, 1_000)


def _is_trigger(exchange: Exchange) -> bool:
    return exchange.method == "POST" and exchange.path.endswith("/dagRuns")


def _answer_500(exchange: Exchange) -> None:
    exchange.answer(500, "<html>database is locked</html>")


def _hang_up(exchange: Exchange) -> None:
    exchange.hang_up()


def _torn(exchange: Exchange) -> None:
    handler = exchange.handler
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b'{"dag_run_id": "bl')
    exchange.hang_up()


def _log_in_page(exchange: Exchange) -> None:
    exchange.answer(200, "<html>please log in</html>")


def _busy(exchange: Exchange) -> None:
    exchange.answer(429, {"detail": "slow down"}, Retry_After="1")


AFTER_COMMIT = [_answer_500, _hang_up, _torn, _log_in_page]
BEFORE_COMMIT = [*AFTER_COMMIT, _busy]


@pytest.mark.fault("answers 500, hangs up or tears before and after the commit, 30 %", airflow="stand-in")
def test_random_faults_before_and_after_the_commit(harness: FaultHarness) -> None:
    """Thirty of a hundred calls fail, half of them after the run was created."""

    def fault(exchange: Exchange) -> bool:
        if not _is_trigger(exchange) or harness.random.random() > 0.3:
            return False
        if harness.random.random() < 0.5:
            exchange.commit()
            harness.random.choice(AFTER_COMMIT)(exchange)
        else:
            harness.random.choice(BEFORE_COMMIT)(exchange)
        return True

    harness.airflow.faults.append(fault)
    app = harness.app()
    names = harness.upload(VERSIONS)

    harness.deliver(app, names)
    harness.drain(app)

    assert len(harness.airflow.runs) == VERSIONS
    assert harness.dead() == []


@pytest.mark.fault("time-out after the commit", airflow="stand-in")
def test_time_out_after_the_commit(harness: FaultHarness) -> None:
    """The answer comes too late; the run is there."""
    slow = set(range(0, 40, 10))
    seen = iter(range(1_000))

    def fault(exchange: Exchange) -> bool:
        if _is_trigger(exchange) and next(seen) in slow:
            exchange.commit()
            time.sleep(1.3)
        return False

    harness.airflow.faults.append(fault)
    app = harness.app()

    harness.deliver(app, harness.upload(40))
    harness.drain(app)

    assert len(harness.airflow.runs) == 40


@pytest.mark.fault("every delivery one to five times, in any order", airflow="stand-in")
def test_every_delivery_comes_one_to_five_times_in_any_order(harness: FaultHarness) -> None:
    """Runs are versions, not deliveries."""
    names = harness.upload(VERSIONS)
    deliveries = [name for name in names for _ in range(harness.random.randint(1, 5))]
    harness.random.shuffle(deliveries)
    app = harness.app()

    harness.deliver(app, deliveries)
    harness.drain(app)

    assert len(harness.airflow.runs) == VERSIONS


def test_overwritten_blob_is_a_run_of_its_own(harness: FaultHarness) -> None:
    """One for each version that was observed."""
    app = harness.app()
    for _ in range(3):
        harness.deliver(app, harness.upload(10))
    harness.drain(app)

    assert len(harness.airflow.runs) == 30


@pytest.mark.fault("DNS fails at random", airflow="stand-in")
def test_name_that_dns_does_not_know_for_a_while(
    harness: FaultHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was sent, so everything is as before once the name is known again."""
    port = harness.airflow.base_url.rpartition(":")[2]
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host != "airflow.test":
            return real(host, *args, **kwargs)
        if harness.random.random() < 0.5:
            msg = "Name or service not known"
            raise socket.gaierror(socket.EAI_NONAME, msg)
        return real("127.0.0.1", *args, **kwargs)

    def fault(exchange: Exchange) -> bool:
        exchange.handler.close_connection = True  # so that the name is asked for again and again
        return False

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    harness.airflow.faults.append(fault)
    app = harness.app(AIRFLOW_BASE_URL=f"http://airflow.test:{port}", AIRFLOW_ALLOW_HTTP="true")

    harness.deliver(app, harness.upload(40))
    harness.drain(app)

    assert len(harness.airflow.runs) == 40


@pytest.mark.fault("token expires in the middle", airflow="stand-in")
@pytest.mark.usefixtures("short_refusal_pause")
def test_token_that_expires_in_the_middle(harness: FaultHarness) -> None:
    """401 for an expired token, 403 for one of another secret: log in again, lose nothing."""
    good: set[str] = set()
    uses = {"left": 0}

    def fault(exchange: Exchange) -> bool:
        if exchange.path == "/auth/token":
            token = f"token-{len(good)}"
            good.clear()
            good.add(token)
            uses["left"] = 17
            exchange.answer(201, {"access_token": token})
            return True
        if not _is_trigger(exchange):
            return False
        uses["left"] -= 1
        if uses["left"] < 0 or exchange.handler.headers["Authorization"] not in {f"Bearer {t}" for t in good}:
            status = harness.random.choice([401, 403])
            exchange.answer(status, {"detail": "Token Expired" if status == 401 else "Invalid JWT token"})
            return True
        return False

    harness.airflow.faults.append(fault)
    app = harness.app()

    harness.deliver(app, harness.upload(60), threads=4)
    harness.drain(app)

    assert len(harness.airflow.runs) == 60
    assert harness.dead() == []


@pytest.mark.fault("Airflow down for the whole upload", airflow="stand-in")
def test_outage_lets_everything_wait_and_ends_without_a_loss(harness: FaultHarness) -> None:
    """Down for the whole upload, then up: a few calls while it is down, every run afterwards."""
    down = True
    calls_while_down = 0

    def fault(exchange: Exchange) -> bool:
        nonlocal calls_while_down
        if down:
            calls_while_down += 1
            exchange.hang_up()
        return down

    harness.airflow.faults.append(fault)
    app = harness.app()
    harness.deliver(app, harness.upload(VERSIONS))

    assert harness.waiting() == VERSIONS
    # Quick retries of the first few until everything is on hold.
    assert calls_while_down < VERSIONS / 2

    down = False
    harness.drain(app)

    assert len(harness.airflow.runs) == VERSIONS


@pytest.mark.fault("DAG missing, then deployed", airflow="stand-in")
def test_dag_that_is_deployed_later(harness: FaultHarness) -> None:
    """Missing now is not missing for ever: its lane is on hold until a probe succeeds."""
    harness.airflow.dags.clear()
    app = harness.app()
    harness.deliver(app, harness.upload(20))
    app.dispatch()

    assert harness.waiting() == 20

    harness.airflow.dags.add("copy_file")
    harness.drain(app)

    assert len(harness.airflow.runs) == 20
    assert harness.dead() == []


@pytest.mark.fault("DAG refuses the conf", airflow="stand-in")
def test_dag_that_refuses_the_conf(harness: FaultHarness) -> None:
    """One dead letter after five deliveries, and no retries."""

    def fault(exchange: Exchange) -> bool:
        if _is_trigger(exchange):
            exchange.answer(400, {"detail": "Invalid input for param filename: No value passed"})
        return _is_trigger(exchange)

    harness.airflow.faults.append(fault)
    app = harness.app()

    harness.deliver(app, harness.upload(1) * 5)

    assert len(harness.dead()) == 1
    assert harness.airflow.requests["POST dagRuns"] == 5
    assert harness.waiting() == 0


@pytest.mark.fault("route edited while events wait", airflow="stand-in")
def test_route_that_is_edited_while_events_wait(harness: FaultHarness) -> None:
    """A run that was created keeps its DAG, the others follow the new route: one run each."""
    harness.airflow.dags = {"old_dag", "new_dag"}
    route = '[[route]]\nname = "r"\nmatch = "**"\ndag_id = "{dag}"\n'
    sent = set(harness.upload(10, prefix="sent-"))
    unsent = set(harness.upload(10, prefix="unsent-"))
    edited = False

    def fault(exchange: Exchange) -> bool:
        if edited or not _is_trigger(exchange):
            return False
        if exchange.body["conf"]["filename"] in sent:
            exchange.commit()
            exchange.hang_up()
        else:
            exchange.answer(429, {"detail": "slow down"})
        return True

    harness.airflow.faults.append(fault)
    before = harness.app(AIRFLOW_ROUTES=route.replace("{dag}", "old_dag"), AIRFLOW_RETRY_BUDGET_SECONDS="0")
    harness.deliver(before, sorted(sent | unsent), threads=4)
    assert harness.waiting() == 20
    created = {body["conf"]["filename"] for body in harness.airflow.runs.values()}

    edited = True
    harness.drain(harness.app(AIRFLOW_ROUTES=route.replace("{dag}", "new_dag")))

    by_dag = {
        dag: {body["conf"]["filename"] for (dag_id, _), body in harness.airflow.runs.items() if dag_id == dag}
        for dag in ("old_dag", "new_dag")
    }
    assert created
    assert by_dag == {"old_dag": created, "new_dag": (sent | unsent) - created}
    assert len(harness.airflow.runs) == 20
