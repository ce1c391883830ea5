"""The log-in fails: nothing is lost, nothing is hammered, and it flows again once it is mended."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from shared.app import App
from tests.airflow.certificates import self_signed
from tests.support.airflow_server import Exchange
from tests.faults.conftest import Site
from tests.support.times import FAST

pytestmark = pytest.mark.stack


@pytest.mark.fault("log-in refused, then mended", airflow="stand-in")
def test_wrong_password_that_is_mended(site: Site) -> None:
    """A few log-ins while it is wrong, whatever comes; everything flows with the right one."""
    password = "new"

    def fault(exchange: Exchange) -> bool:
        if exchange.path == "/auth/token" and exchange.body["password"] != password:
            exchange.answer(401, {"detail": "Invalid credentials"})
            return True
        return False

    site.airflow.faults.append(fault)
    settings = site.settings(AIRFLOW_PASSWORD="old", CREDENTIAL_REFUSAL_PAUSE_SECONDS="1")
    app = App(settings, site.log, FAST)
    names = site.upload(60)
    site.deliver(app, names)

    assert site.parked() == 60
    assert site.airflow.requests["POST auth/token"] <= 10
    assert site.log.counts["breaker.open"] == 1

    settings["AIRFLOW_PASSWORD"] = password
    site.drain(app)

    assert len(site.airflow.runs) == 60
    assert site.letters() == []


@pytest.mark.fault("vault down at a cold start", airflow="stand-in")
def test_vault_that_is_down_at_a_cold_start(site: Site) -> None:
    """Events are parked with one loud line; nothing is sent; they flow when the vault is back."""
    broken = site.app(
        KEY_VAULT_URI="https://127.0.0.1:1/",
        AIRFLOW_CREDENTIAL_SECRET="airflow",
        AZURE_TENANT_ID="00000000-0000-0000-0000-000000000000",
        AZURE_CLIENT_ID="00000000-0000-0000-0000-000000000000",
        AZURE_CLIENT_SECRET="canary",
    )
    names = site.upload(30)
    site.deliver(broken, names)

    assert site.parked() == 30
    assert site.airflow.requests["POST dagRuns"] == 0
    assert site.log.counts["secret.unavailable"] == 1

    site.drain(site.app())

    assert len(site.airflow.runs) == 30


@pytest.mark.fault("TLS fails at random", airflow="stand-in")
def test_tls_that_fails_now_and_then(site: Site, tmp_path: Path) -> None:
    """A certificate of another name: nothing was sent, so everything is as before."""

    def fault(exchange: Exchange) -> bool:
        exchange.handler.close_connection = True  # so that there are many handshakes
        return False

    site.airflow.faults.append(fault)
    good, wrong = self_signed(tmp_path, "127.0.0.1"), self_signed(tmp_path, "other.example.com")
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(good.read_bytes() + wrong.read_bytes())

    with _tls_front(site, [good, wrong]) as url:
        app = site.app(AIRFLOW_BASE_URL=url, AIRFLOW_CA_BUNDLE=str(bundle))
        site.deliver(app, site.upload(40))
        site.drain(app)

    assert len(site.airflow.runs) == 40
    assert site.airflow.requests["POST dagRuns"] == 40


@contextmanager
def _tls_front(site: Site, certificates: list[Path]) -> Iterator[str]:
    """Stand in front of Airflow with TLS; each connection gets one of the certificates."""
    contexts = []
    for certificate in certificates:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        contexts.append(context)
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    port = int(site.airflow.base_url.rpartition(":")[2])

    def serve(client: socket.socket) -> None:
        client.settimeout(10)
        context = site.random.choice(contexts)
        with (
            suppress(OSError),
            context.wrap_socket(client, server_side=True) as tls,
            socket.create_connection(("127.0.0.1", port)) as server,
        ):
            back = threading.Thread(target=_pump, args=(server, tls), daemon=True)
            back.start()
            _pump(tls, server)
            back.join(10)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()
        time.sleep(0.1)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(64 * 1024):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
