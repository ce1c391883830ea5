"""Entra ID and a Key Vault on loopback: tokens are really signed and really checked.

Only what `azure-identity` and `azure-keyvault-secrets` ask for; those two are the real ones in the tests.
"""

import json
import ssl
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

TENANT = "11111111-1111-1111-1111-111111111111"
MANAGED = "22222222-2222-2222-2222-222222222222"
APPLICATION = "33333333-3333-3333-3333-333333333333"
CLIENT_SECRET = "canary-client-secret"
IDENTITY_HEADER = "canary-identity-header"


@dataclass
class Azure:
    """What the two know.

    Attributes:
        port: Both listen here, over TLS.
        secrets: Versions of each secret, the newest last: version id and value.
        readers: Client ids that may read secrets.
        expires: When the secrets expire, in seconds since 1970; None for never.
        requests: How often tokens and secrets were asked for.
        vault_status: Answered instead of a secret where it is set, as 429 or 503.
        entra_status: Answered instead of a token.
        token_seconds: How long tokens are good for.
    """

    port: int = 0
    secrets: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    readers: set[str] = field(default_factory=lambda: {MANAGED, APPLICATION})
    expires: int | None = None
    requests: Counter[str] = field(default_factory=Counter)
    vault_status: int | None = None
    entra_status: int | None = None
    token_seconds: int = 3600
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def vault_uri(self) -> str:
        """The vault."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def resource(self) -> str:
        """Whom tokens for the vault are made out to: as with Azure's, the vault's host is one below it."""
        return f"https://0.0.1:{self.port}"

    @property
    def issuer(self) -> str:
        """The tenant's issuer."""
        return f"https://127.0.0.1:{self.port}/{TENANT}/v2.0"

    def put(self, name: str, value: str) -> str:
        """Make a new version of a secret; return the version's id."""
        version = uuid.uuid4().hex
        with self.lock:
            self.secrets.setdefault(name, []).append((version, value))
        return version

    def token(self, client_id: str, audience: str, **claims: Any) -> str:
        """Issue a token."""
        now = int(time.time())
        values = {
            "iss": self.issuer,
            "aud": audience,
            "appid": client_id,
            "tid": TENANT,
            "iat": now,
            "nbf": now,
            "exp": now + self.token_seconds,
        }
        return jwt.encode({**values, **claims}, self.key, algorithm="RS256")

    def client_of(self, authorization: str) -> str:
        """Check a token for the vault: signature, audience, issuer, expiry; give its client id.

        Raises:
            jwt.InvalidTokenError: It is not good.
        """
        claims = jwt.decode(
            authorization.removeprefix("Bearer "),
            self.key.public_key(),
            algorithms=["RS256"],
            audience=self.resource,
            issuer=self.issuer,
        )
        return str(claims["appid"])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    azure: Azure

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay quiet."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        match url.path.strip("/").split("/"):
            case ["msi", "token"]:
                self._managed_identity(query)
            case ["secrets", name, *_]:
                self._secret(name)
            case [tenant, "v2.0", ".well-known", "openid-configuration"]:
                base = f"https://127.0.0.1:{self.azure.port}/{tenant}"
                self._answer(
                    200,
                    {
                        "issuer": self.azure.issuer,
                        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                        "token_endpoint": f"{base}/oauth2/v2.0/token",
                    },
                )
            case _:
                self._answer(404, {"error": "not_found"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self.azure.requests["token"] += 1
        if self.azure.entra_status:
            self._answer(self.azure.entra_status, {"error": "temporarily_unavailable"})
        elif (form.get("client_id"), form.get("client_secret")) != (APPLICATION, CLIENT_SECRET):
            self._answer(401, {"error": "invalid_client", "error_description": f"AADSTS7000215 {body}"})
        else:
            audience = form["scope"].split()[0].removesuffix("/.default")
            token = self.azure.token(APPLICATION, audience)
            answer = {"token_type": "Bearer", "expires_in": self.azure.token_seconds, "access_token": token}
            self._answer(200, answer)

    def _managed_identity(self, query: dict[str, str]) -> None:
        self.azure.requests["token"] += 1
        if self.headers.get("X-IDENTITY-HEADER") != IDENTITY_HEADER:
            self._answer(403, {"error": "forbidden"})
        elif self.azure.entra_status:
            self._answer(self.azure.entra_status, {"error": "temporarily_unavailable"})
        else:
            client_id = query.get("client_id", MANAGED)
            token = self.azure.token(client_id, query["resource"])
            expires_on = int(time.time()) + self.azure.token_seconds
            answer = {"access_token": token, "expires_on": str(expires_on), "resource": query["resource"]}
            self._answer(200, {**answer, "token_type": "Bearer", "client_id": client_id})

    def _secret(self, name: str) -> None:
        azure = self.azure
        try:
            client_id = azure.client_of(self.headers.get("Authorization", ""))
        except jwt.InvalidTokenError:
            challenge = (
                f'Bearer authorization="https://127.0.0.1:{azure.port}/{TENANT}", resource="{azure.resource}"'
            )
            self._answer(401, {"error": {"code": "Unauthorized"}}, WWW_Authenticate=challenge)
            return
        azure.requests["secret"] += 1
        if azure.vault_status:
            self._answer(azure.vault_status, {"error": {"code": "Throttled"}}, Retry_After="0")
        elif client_id not in azure.readers:
            self._answer(403, {"error": {"code": "Forbidden", "message": "does not have secrets get"}})
        elif name not in azure.secrets:
            self._answer(404, {"error": {"code": "SecretNotFound"}})
        else:
            version, value = azure.secrets[name][-1]
            attributes = {} if azure.expires is None else {"exp": azure.expires}
            secret_id = f"{azure.vault_uri}/secrets/{name}/{version}"
            self._answer(200, {"value": value, "id": secret_id, "attributes": attributes})

    def _answer(self, status: int, body: object, **headers: str) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients hang up; that is no news."""


@contextmanager
def serve_azure(certificate: Path) -> Iterator[Azure]:
    """Serve both on a free loopback port, with this certificate for 127.0.0.1."""
    azure = Azure()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"azure": azure}))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    azure.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield azure
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
