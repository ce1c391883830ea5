"""Airflow behind a real nginx: a path, TLS, compression, a redirect from http, its own error pages."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.airflow.nginx import PREFIX, Nginx, find_nginx, start_nginx
from local.processes import NotInstalledError
from shared.airflow.client import Delivery
from shared.airflow.http import AirflowHttp
from shared.event_log import EventLog
from shared.model.errors import AirflowNotFound, AirflowUnclear, AirflowUnreachable
from tests.airflow.certificates import self_signed
from tests.airflow.harness import STORAGE, AirflowHarness, client_of, run_request
from tests.support.airflow_server import AirflowServer, Exchange
from tests.support.missing import missing

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate for nginx; skip where there is no nginx, but fail in CI."""
    try:
        find_nginx()
    except NotInstalledError as error:
        missing(error)
    return self_signed(tmp_path_factory.mktemp("nginx"), "127.0.0.1")


@pytest.fixture
def nginx(server: AirflowServer, certificate: Path) -> Iterator[Nginx]:
    """Yield nginx in front of a stand-in; it waits two seconds for an answer."""
    with start_nginx(server.base_url, certificate, read_seconds=2) as nginx:
        yield nginx


def settings(url: str, certificate: Path, **changes: str) -> dict[str, str]:
    """Return settings for an Airflow below nginx."""
    return {
        "AIRFLOW_BASE_URL": url,
        "AIRFLOW_USERNAME": "app",
        "AIRFLOW_PASSWORD": "canary-password",
        "AIRFLOW_CA_BUNDLE": str(certificate),
        **STORAGE,
        **changes,
    }


@pytest.mark.airflow
def test_run_is_created_once_through_nginx(harness: AirflowHarness, certificate: Path) -> None:
    """In every generation: detection, log-in, trigger, look-up, below a path and over TLS."""
    with start_nginx(harness.airflow.base_url, certificate) as nginx:
        environ = harness.environment(AIRFLOW_BASE_URL=nginx.https_url, AIRFLOW_CA_BUNDLE=str(certificate))
        client = client_of(environ, EventLog())
        run = run_request()

        assert client.api == harness.api
        assert client.trigger(run) is Delivery.CREATED
        assert client.trigger(run) is Delivery.ALREADY_THERE
        client.check_log_in()
        assert client.find("contract_take", run.run_id) is not None
        assert "contract_take" in client.dag_ids()
    assert harness.run_ids("contract_take", run.run_id) == [run.run_id]


@pytest.mark.airflow
@pytest.mark.generations("v1", "v2")
def test_missing_path_is_found(harness: AirflowHarness, certificate: Path) -> None:
    """The front page redirects to the path. 1.10 shows its version to no stranger, so it is not found."""
    with start_nginx(harness.airflow.base_url, certificate) as nginx:
        environ = harness.environment(AIRFLOW_BASE_URL=nginx.origin, AIRFLOW_CA_BUNDLE=str(certificate))
        with pytest.raises(AirflowNotFound) as caught:
            client_of(environ, EventLog()).trigger(run_request())

    assert f"Airflow answers at '{nginx.https_url}': write that." in str(caught.value)


@pytest.mark.parametrize("more", [PREFIX, "/ui"])
def test_doubled_path_is_found(nginx: Nginx, certificate: Path, more: str) -> None:
    """As after `AIRFLOW_BASE_URL` was copied from a browser and completed."""
    with pytest.raises(AirflowNotFound, match=f"Airflow answers at '{nginx.https_url}'"):
        client_of(settings(f"{nginx.https_url}{more}", certificate), EventLog()).version()


def test_redirect_to_https_is_not_followed_and_shows_the_address(
    server: AirflowServer, nginx: Nginx, certificate: Path
) -> None:
    """A POST would become a GET, and the password would go out in clear text first."""
    with pytest.raises(AirflowNotFound, match=f"Airflow answers at '{nginx.https_url}'"):
        client_of(settings(nginx.http_url, certificate), EventLog()).trigger(run_request())
    fixed = settings(nginx.http_url, certificate, AIRFLOW_API="v2", AIRFLOW_AUTH="none")
    with pytest.raises(AirflowNotFound, match=f"a redirect to {nginx.https_url}/api/v2/dags"):
        client_of(fixed, EventLog()).trigger(run_request())

    assert server.runs == {}
    assert server.requests["POST auth/token"] == 0


def test_answers_come_uncompressed(
    server: AirflowServer, nginx: Nginx, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The app does not ask for gzip: the size of a packed answer cannot be bounded."""
    seen: list[str | None] = []
    opened = AirflowHttp._open

    def look(*args: object, **options: object) -> object:
        response = opened(*args, **options)  # type: ignore[arg-type]
        seen.append(response.headers.get("Content-Encoding"))
        return response

    monkeypatch.setattr(AirflowHttp, "_open", look)
    assert client_of(settings(nginx.https_url, certificate), EventLog()).version() == "3.3.2"
    assert set(seen) == {None}


def test_page_of_a_missing_backend_is_an_unreachable_airflow(certificate: Path) -> None:
    """502: to a question nothing was sent; to a trigger call the run may exist."""
    with start_nginx("http://127.0.0.1:1", certificate) as nginx:
        with pytest.raises(AirflowUnreachable, match="502"):
            client_of(settings(nginx.https_url, certificate), EventLog()).version()
        fixed = settings(nginx.https_url, certificate, AIRFLOW_API="v2", AIRFLOW_AUTH="none")
        with pytest.raises(AirflowUnclear, match="502") as caught:
            client_of(fixed, EventLog()).trigger(run_request())
    assert caught.value.may_have_been_sent
    assert "<" not in str(caught.value)


def test_backend_that_is_slower_than_nginx_waits_makes_one_run(
    server: AirflowServer, nginx: Nginx, certificate: Path
) -> None:
    """`proxy_read_timeout`: 504, although Airflow creates the run."""
    is_slow = [True]

    def answer_late(exchange: Exchange) -> bool:
        if exchange.method == "POST" and exchange.path.endswith("/dagRuns") and is_slow:
            is_slow.clear()
            exchange.commit()
            time.sleep(3)
            exchange.hang_up()
            return True
        return False

    server.faults.append(answer_late)
    client = client_of(settings(nginx.https_url, certificate), EventLog())
    run = run_request(dag_id="copy_file")
    with pytest.raises(AirflowUnclear, match="504"):
        client.trigger(run)

    assert client.trigger(run) is Delivery.ALREADY_THERE
    assert list(server.runs) == [("copy_file", run.run_id)]
