"""Airflow fails in every way that it has: as many runs as blob versions, nothing lost, nothing doubled."""

import socket
import time
from typing import Any

import pytest

from tests.support.airflow_server import Exchange
from tests.faults.conftest import Site
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
def test_random_faults_before_and_after_the_commit(site: Site) -> None:
    """Thirty of a hundred calls fail, half of them after the run was created."""

    def fault(exchange: Exchange) -> bool:
        if not _is_trigger(exchange) or site.random.random() > 0.3:
            return False
        if site.random.random() < 0.5:
            exchange.commit()
            site.random.choice(AFTER_COMMIT)(exchange)
        else:
            site.random.choice(BEFORE_COMMIT)(exchange)
        return True

    site.airflow.faults.append(fault)
    app = site.app()
    names = site.upload(VERSIONS)

    site.deliver(app, names)
    site.drain(app)

    assert len(site.airflow.runs) == VERSIONS
    assert site.letters() == []


@pytest.mark.fault("time-out after the commit", airflow="stand-in")
def test_time_out_after_the_commit(site: Site) -> None:
    """The answer comes too late; the run is there."""
    slow = set(range(0, 40, 10))
    seen = iter(range(1_000))

    def fault(exchange: Exchange) -> bool:
        if _is_trigger(exchange) and next(seen) in slow:
            exchange.commit()
            time.sleep(1.3)
        return False

    site.airflow.faults.append(fault)
    app = site.app()

    site.deliver(app, site.upload(40))
    site.drain(app)

    assert len(site.airflow.runs) == 40


@pytest.mark.fault("every delivery one to five times, in any order", airflow="stand-in")
def test_every_delivery_comes_one_to_five_times_in_any_order(site: Site) -> None:
    """Runs are versions, not deliveries."""
    names = site.upload(VERSIONS)
    deliveries = [name for name in names for _ in range(site.random.randint(1, 5))]
    site.random.shuffle(deliveries)
    app = site.app()

    site.deliver(app, deliveries)
    site.drain(app)

    assert len(site.airflow.runs) == VERSIONS


def test_overwritten_blob_is_a_run_of_its_own(site: Site) -> None:
    """One for each version that was observed."""
    app = site.app()
    for _ in range(3):
        site.deliver(app, site.upload(10))
    site.drain(app)

    assert len(site.airflow.runs) == 30


@pytest.mark.fault("DNS fails at random", airflow="stand-in")
def test_name_that_dns_does_not_know_for_a_while(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was sent, so everything is as before once the name is known again."""
    port = site.airflow.base_url.rpartition(":")[2]
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host != "airflow.test":
            return real(host, *args, **kwargs)
        if site.random.random() < 0.5:
            msg = "Name or service not known"
            raise socket.gaierror(socket.EAI_NONAME, msg)
        return real("127.0.0.1", *args, **kwargs)

    def fault(exchange: Exchange) -> bool:
        exchange.handler.close_connection = True  # so that the name is asked for again and again
        return False

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    site.airflow.faults.append(fault)
    app = site.app(AIRFLOW_BASE_URL=f"http://airflow.test:{port}", AIRFLOW_ALLOW_HTTP="true")

    site.deliver(app, site.upload(40))
    site.drain(app)

    assert len(site.airflow.runs) == 40


@pytest.mark.fault("token expires in the middle", airflow="stand-in")
def test_token_that_expires_in_the_middle(site: Site) -> None:
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
            status = site.random.choice([401, 403])
            exchange.answer(status, {"detail": "Token Expired" if status == 401 else "Invalid JWT token"})
            return True
        return False

    site.airflow.faults.append(fault)
    app = site.app(CREDENTIAL_REFUSAL_PAUSE_SECONDS="1")

    site.deliver(app, site.upload(60), threads=4)
    site.drain(app)

    assert len(site.airflow.runs) == 60
    assert site.letters() == []


@pytest.mark.fault("Airflow down for the whole upload", airflow="stand-in")
def test_outage_parks_everything_and_ends_without_a_loss(site: Site) -> None:
    """Down for the whole upload, then up."""
    down = True
    calls_while_down = 0

    def fault(exchange: Exchange) -> bool:
        nonlocal calls_while_down
        if down:
            calls_while_down += 1
            exchange.hang_up()
        return down

    site.airflow.faults.append(fault)
    app = site.app()
    site.deliver(app, site.upload(VERSIONS))

    assert site.parked() == VERSIONS
    # Quick retries of the first few until the breaker opens, then a probe now and then.
    assert calls_while_down < VERSIONS / 2

    down = False
    site.drain(app)

    assert len(site.airflow.runs) == VERSIONS


@pytest.mark.fault("DAG missing, then deployed", airflow="stand-in")
def test_dag_that_is_deployed_later(site: Site) -> None:
    """Missing now is not missing for ever."""
    site.airflow.dags.clear()
    app = site.app()
    site.deliver(app, site.upload(20))
    app.dispatch()

    assert site.parked() == 20

    site.airflow.dags.add("copy_file")
    site.drain(app)

    assert len(site.airflow.runs) == 20
    assert site.letters() == []


@pytest.mark.fault("DAG refuses the conf", airflow="stand-in")
def test_dag_that_refuses_the_conf(site: Site) -> None:
    """One dead letter after five deliveries, and no retries."""

    def fault(exchange: Exchange) -> bool:
        if _is_trigger(exchange):
            exchange.answer(400, {"detail": "Invalid input for param filename: No value passed"})
        return _is_trigger(exchange)

    site.airflow.faults.append(fault)
    app = site.app()

    site.deliver(app, site.upload(1) * 5)

    assert len(site.letters()) == 1
    assert site.airflow.requests["POST dagRuns"] == 5
    assert site.parked() == 0


@pytest.mark.fault("route edited while events are parked", airflow="stand-in")
def test_route_that_is_edited_while_events_are_parked(site: Site) -> None:
    """What may have been sent keeps its DAG, what was not follows the new route."""
    site.airflow.dags = {"old_dag", "new_dag"}
    route = '[[route]]\nname = "r"\nmatch = "**"\ndag_id = "{dag}"\n'
    sent = set(site.upload(10, prefix="sent-"))
    unsent = set(site.upload(10, prefix="unsent-"))
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

    site.airflow.faults.append(fault)
    before = site.app(AIRFLOW_ROUTES=route.replace("{dag}", "old_dag"), AIRFLOW_RETRY_BUDGET_SECONDS="0")
    site.deliver(before, sorted(sent | unsent), threads=4)
    assert site.parked() == 20

    edited = True
    site.drain(site.app(AIRFLOW_ROUTES=route.replace("{dag}", "new_dag")))

    by_dag = {
        dag: {body["conf"]["filename"] for (dag_id, _), body in site.airflow.runs.items() if dag_id == dag}
        for dag in ("old_dag", "new_dag")
    }
    assert len(site.airflow.runs) == 20
    assert by_dag["old_dag"] | by_dag["new_dag"] == sent | unsent
    assert by_dag["new_dag"] <= unsent | sent
    assert not by_dag["old_dag"] & unsent
