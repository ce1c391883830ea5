"""Whom the session trusts: certificates on both sides, and a proxy only if a setting says so."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shared.airflow.client import AirflowClient
from shared.airflow.deadline import _Reader
from shared.event_log import EventLog
from shared.model.errors import AirflowUnclear, AirflowUnreachable, Misconfigured, RetryableError
from tests.airflow.certificates import self_signed
from tests.airflow.harness import STORAGE, client_of
from tests.support.airflow_server import airflow_server


class _Version(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"version": "3.3.2"}).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A refused client is no news."""


@contextmanager
def https(certificate: Path, *, client_ca: Path | None = None) -> Iterator[str]:
    """Serve a version over TLS; ask for a client's certificate if there is a CA for it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    server = _Server(("127.0.0.1", 0), _Version)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def client_to(base_url: str, **changes: str) -> AirflowClient:
    """Build a client without a log-in."""
    environ = {
        "AIRFLOW_BASE_URL": base_url,
        "AIRFLOW_API": "v2",
        "AIRFLOW_AUTH": "none",
        "AIRFLOW_CONNECT_TIMEOUT_SECONDS": "2",
        "AIRFLOW_READ_TIMEOUT_SECONDS": "2",
        **STORAGE,
        **changes,
    }
    return client_of(environ, EventLog())


def test_private_certificate_needs_its_bundle(tmp_path: Path) -> None:
    """The usual authorities do not vouch for it."""
    certificate = self_signed(tmp_path, "127.0.0.1")
    with https(certificate) as url:
        assert client_to(url, AIRFLOW_CA_BUNDLE=str(certificate)).version() == "3.3.2"
        with pytest.raises(AirflowUnreachable):
            client_to(url).version()


def test_certificate_of_the_app_lets_it_in(tmp_path: Path) -> None:
    """mTLS: without one the server hangs up."""
    certificate = self_signed(tmp_path, "127.0.0.1")
    own = self_signed(tmp_path, "app.example.com")
    with https(certificate, client_ca=own) as url:
        trust = {"AIRFLOW_CA_BUNDLE": str(certificate)}
        version = client_to(url, AIRFLOW_CLIENT_CERTIFICATE=str(own), **trust).version()
        with pytest.raises(RetryableError) as caught:
            client_to(url, **trust).version()

    assert version == "3.3.2"
    assert isinstance(caught.value, AirflowUnreachable | AirflowUnclear)


@pytest.mark.parametrize("is_trusted", [True, False])
def test_proxy_of_the_environment_is_used_only_if_a_setting_says_so(
    monkeypatch: pytest.MonkeyPatch, *, is_trusted: bool
) -> None:
    """An unexpected proxy would see passwords."""
    with airflow_server() as proxy:
        monkeypatch.setenv("http_proxy", proxy.base_url)
        monkeypatch.setenv("no_proxy", "")
        client = client_to(
            "http://airflow.invalid", AIRFLOW_TRUST_ENV=str(is_trusted).lower(), AIRFLOW_ALLOW_HTTP="true"
        )
        if is_trusted:
            assert client.version() == "3.3.2"
        else:
            with pytest.raises(AirflowUnreachable):
                client.version()
        assert (proxy.connections == 1) == is_trusted


def test_answer_has_one_deadline_for_all_its_bytes() -> None:
    """A byte that comes in time does not move it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(10)
        moments = iter([0.0, 9.0, 11.0])
        reader = _Reader(ours, clock=lambda: next(moments))
        theirs.sendall(b"ab")
        buffer = bytearray(1)

        assert reader.readable()
        assert reader.readinto(buffer) == 1
        with pytest.raises(TimeoutError):
            reader.readinto(buffer)
        reader.close()


def test_plain_http_elsewhere_is_refused() -> None:
    """Passwords would be readable on the way."""
    with pytest.raises(Misconfigured, match="AIRFLOW_ALLOW_HTTP"):
        client_to("http://airflow.example.com")
