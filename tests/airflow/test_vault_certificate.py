"""The app's own certificate for mTLS may come from the secret, and is in a file for a moment only."""

import ssl
import tempfile
from pathlib import Path

import pytest

from shared.airflow.client_certificate import VaultCertificate
from shared.airflow.credentials import Credentials
from shared.airflow.http import AirflowHttp, HttpLimits
from shared.airflow.request import Request
from shared.config.checks import connection_faults
from shared.config.settings import Settings
from shared.model.errors import Misconfigured
from tests.airflow.certificates import self_signed
from tests.airflow.test_connection import https
from tests.config.test_checks import GOOD

VERSION = Request(method="GET", path="/api/v2/version")


class Secret:
    """A secret that tests change."""

    def __init__(self, **fields: str) -> None:
        self.fields = fields

    def get(self) -> Credentials:
        return Credentials(fields=dict(self.fields), origin="They are read from the secret 's'.")

    refresh = get


def pems(path: Path) -> dict[str, str]:
    """Split a file of certificate and key into the secret's fields."""
    certificate, key = path.read_text().split("-----BEGIN PRIVATE KEY-----")
    return {"client_certificate": certificate, "client_key": f"-----BEGIN PRIVATE KEY-----{key}"}


def http_to(url: str, secret: Secret, ca_bundle: Path) -> AirflowHttp:
    """Return a session with the secret's certificate."""
    limits = HttpLimits(
        threads=2,
        connect_timeout_seconds=5,
        read_timeout_seconds=5,
        ca_bundle=str(ca_bundle),
        vault_certificate=VaultCertificate(secret, ca_bundle=str(ca_bundle)),
    )
    return AirflowHttp(url, limits)


def test_certificate_of_the_secret_lets_the_app_in_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key is on the disk only while it is loaded, readable for nobody else."""
    server_pem, own = self_signed(tmp_path, "127.0.0.1"), self_signed(tmp_path, "app.example.com")
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    modes: list[int] = []
    asks: list[bool] = []
    load = ssl.SSLContext.load_cert_chain

    def look(context: ssl.SSLContext, path: str, **options: object) -> None:
        modes.append(Path(path).stat().st_mode & 0o777)
        asks.append("password" not in options)
        load(context, path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", look)
    with https(server_pem, client_ca=own) as url:
        http = http_to(url, Secret(**pems(own)), server_pem)
        statuses = [http.send(VERSION).status for _ in range(3)]

    assert statuses == [200] * 3
    assert modes[-1:] == [0o600]
    assert asks[-1:] == [False]  # OpenSSL would ask for a key's password at the terminal
    assert list(folder.iterdir()) == []


def test_renewed_certificate_is_used_with_the_next_request(tmp_path: Path) -> None:
    """As a new password is."""
    server_pem, own = self_signed(tmp_path, "127.0.0.1"), self_signed(tmp_path, "app.example.com")
    other = self_signed(tmp_path, "other.example.com")
    secret = Secret(**pems(other))
    with https(server_pem, client_ca=own) as url:
        http = http_to(url, secret, server_pem)
        with pytest.raises(Exception, match="AIRFLOW_BASE_URL"):
            http.send(VERSION)
        secret.fields = pems(own)

        assert http.send(VERSION).status == 200


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"client_certificate": "canary"},
        {"client_certificate": "canary", "client_key": "canary"},
        {"client_certificate": "\ud800canary", "client_key": "canary"},
    ],
)
def test_unusable_certificate_is_named_and_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str]
) -> None:
    """The fields to look at; and no file stays."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    server_pem = self_signed(tmp_path, "127.0.0.1")

    with pytest.raises(Misconfigured, match="client_key") as caught:
        http_to("https://127.0.0.1:1", Secret(**fields), server_pem).send(VERSION)
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert [path.name for path in tmp_path.iterdir()] == [server_pem.name]


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"KEY_VAULT_URI": "https://v.vault.azure.net"}, 0),
        ({}, 1),
        ({"KEY_VAULT_URI": "https://v.vault.azure.net", "AIRFLOW_CLIENT_KEY": "key.pem"}, 1),
    ],
)
def test_certificate_in_the_vault_needs_a_vault(changes: dict[str, str], faults: int) -> None:
    """And no second place for its key."""
    environ = {**GOOD, "AIRFLOW_CLIENT_CERTIFICATE": "vault", **changes}

    assert len(connection_faults(Settings.from_env(environ), environ, reads=lambda _: True)) == faults
