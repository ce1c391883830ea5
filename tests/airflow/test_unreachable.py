"""A server that cannot be reached was sent nothing."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from shared.model.errors import (
    AirflowUnreachable,
)
from tests.airflow.certificates import self_signed
from tests.airflow.harness import impatient_client, run_request
from tests.support.airflow_server import AirflowServer


def test_certificate_of_another_name_is_never_sent_anything(tmp_path: Path) -> None:
    """Its identity is checked before a request: the error says that nothing was sent."""
    certificate = self_signed(tmp_path, "other.example.com")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                plain, _ = listener.accept()
                with plain, context.wrap_socket(plain, server_side=True) as secure:
                    received.append(secure.recv(1))
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        client = impatient_client(
            url, AIRFLOW_CA_BUNDLE=str(certificate), AIRFLOW_API="v2", AIRFLOW_AUTH="none"
        )
        with pytest.raises(
            AirflowUnreachable,
            match=r"AIRFLOW_BASE_URL\) cannot be reached: its certificate is for another name",
        ):
            client.trigger(run_request())
        thread.join(timeout=5)

    assert received in ([], [b""])


@pytest.mark.parametrize("url", ["https://airflow.invalid", "https://127.0.0.1:1", "https://[::1]:1"])
def test_server_that_cannot_be_reached_was_sent_nothing(url: str) -> None:
    """No name, no connection: safe to send elsewhere."""
    client = impatient_client(url, AIRFLOW_API="v1")

    with pytest.raises(AirflowUnreachable) as caught:
        client.trigger(run_request())
    assert not caught.value.may_have_been_sent


def test_plain_server_behind_https_was_sent_nothing(server: AirflowServer) -> None:
    """The TLS handshake fails before the request."""
    client = impatient_client(
        server.base_url.replace("http:", "https:"), AIRFLOW_API="v2", AIRFLOW_AUTH="none"
    )

    with pytest.raises(AirflowUnreachable):
        client.trigger(run_request(dag_id="copy_file"))
    assert server.runs == {}
