"""The log-in fails: nothing is lost, few requests are sent, and events flow once it is corrected."""

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
from tests.support.fault_harness import FaultHarness
from tests.support.times import FAST

pytestmark = pytest.mark.stack


@pytest.mark.fault("log-in rejected, then corrected", airflow="stand-in")
@pytest.mark.usefixtures("short_refusal_pause")
def test_wrong_password_that_is_corrected(harness: FaultHarness) -> None:
    """A few log-ins while it is wrong, however many events; a few lines; all flow with the right one."""
    password = "new"

    def fault(exchange: Exchange) -> bool:
        if exchange.path == "/auth/token" and exchange.body["password"] != password:
            exchange.answer(401, {"detail": "Invalid credentials"})
            return True
        return False

    harness.airflow.faults.append(fault)
    settings = harness.settings(AIRFLOW_PASSWORD="old")
    app = App(settings, harness.log, FAST)
    names = harness.upload(60)
    harness.deliver(app, names)

    assert harness.waiting() == 60
    assert harness.airflow.requests["POST auth/token"] <= 10
    assert harness.log.counts["hold.started"] == 1

    settings["AIRFLOW_PASSWORD"] = password
    harness.drain(app)

    harness.assert_one_run_each(names)


@pytest.mark.fault("vault down at a cold start", airflow="stand-in")
def test_vault_that_is_down_at_a_cold_start(harness: FaultHarness) -> None:
    """Events wait, with one loud line; nothing is sent; they flow when the vault is back."""
    broken = harness.app(
        KEY_VAULT_URI="https://127.0.0.1:1/",
        AIRFLOW_CREDENTIAL_SECRET="airflow",
        AZURE_TENANT_ID="00000000-0000-0000-0000-000000000000",
        AZURE_CLIENT_ID="00000000-0000-0000-0000-000000000000",
        AZURE_CLIENT_SECRET="canary",
    )
    names = harness.upload(30)
    harness.deliver(broken, names)

    assert harness.waiting() == 30
    assert harness.airflow.requests["POST dagRuns"] == 0
    assert harness.log.counts["secret.unavailable"] == 1

    harness.drain(harness.app())

    harness.assert_one_run_each(names)


@pytest.mark.fault("TLS fails at random", airflow="stand-in")
def test_tls_that_fails_now_and_then(harness: FaultHarness, tmp_path: Path) -> None:
    """A certificate of another name: nothing was sent, so everything is as before."""

    def fault(exchange: Exchange) -> bool:
        exchange.handler.close_connection = True  # so that there are many handshakes
        return False

    harness.airflow.faults.append(fault)
    good, wrong = self_signed(tmp_path, "127.0.0.1"), self_signed(tmp_path, "other.example.com")
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(good.read_bytes() + wrong.read_bytes())

    with _tls_front(harness, [good, wrong]) as url:
        app = harness.app(AIRFLOW_BASE_URL=url, AIRFLOW_CA_BUNDLE=str(bundle))
        names = harness.upload(40)
        harness.deliver(app, names)
        harness.drain(app)

    harness.assert_one_run_each(names)
    assert harness.airflow.requests["POST dagRuns"] == 40


@contextmanager
def _tls_front(harness: FaultHarness, certificates: list[Path]) -> Iterator[str]:
    """Stand in front of Airflow with TLS; each connection gets one of the certificates."""
    contexts = []
    for certificate in certificates:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        contexts.append(context)
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    port = int(harness.airflow.base_url.rpartition(":")[2])

    def serve(client: socket.socket) -> None:
        client.settimeout(10)
        context = harness.random.choice(contexts)
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
