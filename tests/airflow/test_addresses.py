"""A wrong address is recognised, and the message says what was tried, why it failed and what to write."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from shared.airflow.client import AirflowClient
from shared.airflow.deadline import DeadlineAdapter
from shared.event_log import EventLog
from shared.model.errors import AirflowNotFound, AirflowUnreachable, RetryableError
from tests.airflow.harness import STORAGE, client_of, impatient_client, run_request
from tests.support.airflow_server import AirflowServer, Exchange, airflow_server


def error_of(client: AirflowClient) -> RetryableError:
    """Return the error of a question."""
    with pytest.raises(RetryableError) as caught:
        client.version()
    return caught.value


@contextmanager
def deaf_server() -> Iterator[str]:
    """Accept connections and say nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("url", "tried", "reason"),
    [
        ("https://airflow.invalid/team", "https://airflow.invalid:443", "DNS does not know the name"),
        ("http://127.0.0.1:1/secret-path", "http://127.0.0.1:1", "connection refused"),
        ("https://[::1]:1", "https://[::1]:1", ""),
    ],
)
def test_message_says_what_was_tried_and_why_it_failed(url: str, tried: str, reason: str) -> None:
    """In words; scheme, host and port."""
    message = str(error_of(impatient_client(url, AIRFLOW_API="v2")))

    assert f"{tried} (AIRFLOW_BASE_URL) cannot be reached: {reason}" in message
    assert "secret-path" not in message


def test_server_that_says_nothing_is_a_time_out() -> None:
    """After it was connected to."""
    with deaf_server() as url:
        message = str(error_of(impatient_client(url, AIRFLOW_API="v2")))

    assert f"No whole response came from {url} (AIRFLOW_BASE_URL): time-out" in message


def test_plain_server_behind_https_is_no_tls(server: AirflowServer) -> None:
    """A port is easily mixed up."""
    url = server.base_url.replace("http:", "https:")

    assert "does this port speak https?" in str(error_of(impatient_client(url, AIRFLOW_API="v2")))


def test_token_address_is_named_by_its_own_setting(server: AirflowServer) -> None:
    """Not by that of Airflow."""
    environ = {"AIRFLOW_OAUTH_CLIENT_ID": "a", "AIRFLOW_OAUTH_CLIENT_SECRET": "b"}
    client = impatient_client(
        server.base_url,
        AIRFLOW_API="v2",
        AIRFLOW_AUTH="oauth",
        AIRFLOW_OAUTH_TOKEN_URL="http://127.0.0.1:1/token",
        **environ,
    )

    assert "http://127.0.0.1:1 (AIRFLOW_OAUTH_TOKEN_URL)" in str(error_of(client))


def test_deaf_dns_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """`getaddrinfo` itself has no time-out."""
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(5))
    client = impatient_client(
        "https://airflow.example.com", AIRFLOW_API="v2", AIRFLOW_CONNECT_TIMEOUT_SECONDS="0.2"
    )
    started = time.monotonic()
    error = error_of(client)
    took = time.monotonic() - started
    released.set()

    assert isinstance(error, AirflowUnreachable)
    assert "DNS did not answer in time" in str(error)
    assert took < 3


def test_idle_connections_are_kept_alive(server: AirflowServer) -> None:
    """Azure's outbound NAT forgets them after four minutes, without a word."""
    client = impatient_client(server.base_url, AIRFLOW_API="v2")
    client.version()
    adapter = client._http.session.get_adapter("http://")
    assert isinstance(adapter, DeadlineAdapter)
    pools = adapter.poolmanager.pools
    [pool] = [pools[key] for key in pools.keys()]  # noqa: SIM118  (it is no dict)
    connection = pool._get_conn()
    kept = connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    idle = connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
    connection.close()

    assert (kept, idle) == (1, 60)


type Answer = Callable[[Exchange], bool]


def airflow_below(prefix: str) -> Answer:
    """Answer as Airflow below a path, and as a web server elsewhere."""

    def answer(exchange: Exchange) -> bool:
        if exchange.path == f"{prefix}/api/v2/version":
            exchange.answer(200, {"version": "3.3.2"})
        else:
            exchange.answer(404, "<html>no such page</html>")
        return True

    return answer


@pytest.mark.parametrize(
    ("prefix", "written"), [("/airflow", "/airflow/airflow"), ("", "/team"), ("/a", "/a/b/c"), ("", "/ui")]
)
def test_doubled_or_needless_prefix_is_found(server: AirflowServer, prefix: str, written: str) -> None:
    """Airflow answers above: the message has the address to write."""
    server.faults.append(airflow_below(prefix))
    error = error_of(impatient_client(f"{server.base_url}{written}"))

    assert isinstance(error, AirflowNotFound)
    assert f"Airflow answers at '{server.base_url}{prefix}': write that." in str(error)


def test_missing_prefix_is_found_by_the_redirect_of_the_front_page(server: AirflowServer) -> None:
    """As a web server sends a browser to the only application that it has."""

    def answer(exchange: Exchange) -> bool:
        if exchange.path == "/":
            exchange.answer(302, "<html>", Location="/team/home?next=canary")
            return True
        return airflow_below("/team")(exchange)

    server.faults.append(answer)
    error = error_of(impatient_client(server.base_url))

    assert f"Airflow answers at '{server.base_url}/team'" in str(error)
    assert "canary" not in str(error)


def test_airflow_that_says_it_is_elsewhere_is_understood(server: AirflowServer) -> None:
    """Airflow 2 below a path answers so at the root of its server."""

    def answer(exchange: Exchange) -> bool:
        exchange.answer(404, "Apache Airflow is not at this location")
        return True

    server.faults.append(answer)

    assert "`base_url`" in str(error_of(impatient_client(server.base_url)))


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://login.example.com/start?state=canary", "https://login.example.com/start"),
        ("https://user:canary@login.example.com/start", "https://login.example.com/start"),
        ("/login", "/login"),
    ],
)
def test_log_in_page_is_recognised(server: AirflowServer, location: str, said: str) -> None:
    """A gateway sends whom it does not know to it; the query may hold a token."""

    def answer(exchange: Exchange) -> bool:
        exchange.answer(302, "<html>", Location=location)
        return True

    server.faults.append(answer)
    error = error_of(impatient_client(server.base_url))

    assert said in str(error)
    assert "log" in str(error)
    assert "canary" not in str(error)


def test_redirect_to_https_shows_the_address_to_write(server: AirflowServer) -> None:
    """Never followed: a POST would become a GET, and the password would go out in clear text each time."""
    secure = server.base_url.replace("http:", "https:")

    def answer(exchange: Exchange) -> bool:
        exchange.answer(301, "<html>", Location=f"{secure}{exchange.path}")
        return True

    server.faults.append(answer)
    environ = {"AIRFLOW_BASE_URL": server.base_url, "AIRFLOW_AUTH": "none", "AIRFLOW_API": "v2", **STORAGE}
    with pytest.raises(AirflowNotFound, match=f"a redirect to {secure}/api/v2/dags/copy_file/dagRuns"):
        client_of(environ, EventLog()).trigger(run_request(dag_id="copy_file"))


def test_nobody_is_sent_credentials_in_search_of_airflow(server: AirflowServer) -> None:
    """The search asks addresses that nobody named."""
    seen: list[str | None] = []

    def answer(exchange: Exchange) -> bool:
        seen.append(exchange.handler.headers.get("Authorization"))
        exchange.answer(404, "<html>")
        return True

    server.faults.append(answer)
    error_of(impatient_client(f"{server.base_url}/a/b", AIRFLOW_AUTH="basic"))

    assert len(seen) > 5
    assert set(seen) == {None}


def test_another_host_is_not_asked_in_search_of_airflow(server: AirflowServer) -> None:
    """A redirect may lead anywhere, into the app's own network too."""
    with airflow_server() as other:
        target = other.base_url.replace("127.0.0.1", "localhost")

        def answer(exchange: Exchange) -> bool:
            exchange.answer(302, "<html>", Location=f"{target}/home")
            return True

        server.faults.append(answer)
        error_of(impatient_client(server.base_url))

    assert other.requests == {}
