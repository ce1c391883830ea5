"""`build_airflow_client`: the client as the settings want it."""

import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from requests.auth import AuthBase

from shared.airflow.answer import Answer
from shared.airflow.auth import HeaderAuth, NoAuth
from shared.airflow.call import Call
from shared.airflow.client import AirflowClient
from shared.airflow.credentials import CredentialSource, EnvironmentCredentials, NoCredentials, Rotation
from shared.airflow.dialect import Dialect
from shared.airflow.fixed_pass import FixedPass, Write, basic, bearer, header
from shared.airflow.grants import AirflowLogIn, EntraIdentity, OAuthClient
from shared.airflow.http import AirflowHttp, HttpLimits
from shared.airflow.link import DIALECTS, DetectedLink, FixedLink, Link
from shared.airflow.token_pass import Grant, TokenPass
from shared.errors import Misconfigured
from shared.event_log import EventLog
from shared.key_vault import AppIdentity, KeyVaultCredentials, open_vault
from shared.loopback import is_loopback
from shared.settings import Settings

_CREDENTIAL_FREE = {"none", "entra"}


def build_airflow_client(settings: Settings, environ: Mapping[str, str], log: EventLog) -> AirflowClient:
    """Build the client; opens no connection.

    Raises:
        Misconfigured: Settings contradict each other, with all faults.
    """
    faults = connection_faults(settings, environ)
    if faults:
        raise Misconfigured("The app settings are unusable: " + " ".join(faults))
    limits = HttpLimits(
        threads=settings.threads,
        connect_timeout_seconds=settings.airflow_connect_timeout_seconds,
        read_timeout_seconds=settings.airflow_read_timeout_seconds,
        ca_bundle=settings.airflow_ca_bundle or None,
        client_certificate=_client_certificate(settings),
        trust_environment=settings.airflow_trust_env,
    )
    http = AirflowHttp(settings.airflow_base_url, limits)
    source: CredentialSource = NoCredentials()
    if settings.airflow_auth not in _CREDENTIAL_FREE:
        source = _credential_source(settings, environ, log)
    pause = settings.credential_refusal_pause_seconds
    rotation = Rotation(source, refusal_pause_seconds=pause)

    def fixed(write: Write) -> AuthBase:
        return HeaderAuth(FixedPass(rotation, write))

    def exchanged(grant: Grant) -> AuthBase:
        return HeaderAuth(TokenPass(grant, rotation, refusal_pause_seconds=pause))

    kinds: dict[str, Callable[[], AuthBase]] = {
        "none": NoAuth,
        "basic": lambda: fixed(basic),
        "bearer": lambda: fixed(bearer),
        "header": lambda: fixed(header(settings.airflow_auth_header)),
        "token": lambda: exchanged(AirflowLogIn(http)),
        "oauth": lambda: exchanged(
            OAuthClient(
                AirflowHttp(settings.airflow_oauth_token_url, limits), scope=settings.airflow_oauth_scope
            )
        ),
        "entra": lambda: exchanged(
            EntraIdentity(AppIdentity.from_env(environ).credential, scope=settings.airflow_entra_scope)
        ),
    }

    @cache
    def auth(kind: str) -> AuthBase:
        return kinds[kind]()

    def link(dialect: Dialect) -> Link:
        kind = settings.airflow_auth
        if kind == "auto":
            kind = "token" if dialect.name == "v2" else "basic"
        return Link(dialect=dialect, auth=auth(kind))

    if settings.airflow_api != "auto":
        named = next(dialect for dialect in DIALECTS if dialect.name == settings.airflow_api)
        return AirflowClient(http, FixedLink(link(named)), conf_max_bytes=settings.conf_max_bytes)
    # A password goes only to what is known to be Airflow; what a gateway wants goes along from the start.
    asking = auth("none" if settings.airflow_auth in {"auto", "basic", "token"} else settings.airflow_auth)

    def send(call: Call) -> Answer:
        return http.send(call, auth=asking)

    return AirflowClient(http, DetectedLink(send, link, log), conf_max_bytes=settings.conf_max_bytes)


def connection_faults(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """Give what is wrong with the settings together, each as a sentence with what to do."""
    faults = []
    if settings.airflow_auth == "entra" and not settings.airflow_entra_scope:
        faults.append("AIRFLOW_AUTH=entra needs AIRFLOW_ENTRA_SCOPE, such as api://airflow/.default.")
    if settings.airflow_auth == "oauth":
        faults += _token_url_faults(settings)
    if settings.airflow_auth == "token" and settings.airflow_api in {"v1", "experimental"}:
        faults.append(
            f"AIRFLOW_AUTH=token is Airflow 3's log-in, AIRFLOW_API={settings.airflow_api} has none."
        )
    if settings.key_vault_uri and not settings.key_vault_uri.startswith("https://"):
        faults.append("KEY_VAULT_URI is not https.")
    if settings.airflow_client_key and not settings.airflow_client_certificate:
        faults.append("AIRFLOW_CLIENT_KEY needs AIRFLOW_CLIENT_CERTIFICATE.")
    files = {
        "AIRFLOW_CA_BUNDLE": settings.airflow_ca_bundle,
        "AIRFLOW_CLIENT_CERTIFICATE": settings.airflow_client_certificate,
        "AIRFLOW_CLIENT_KEY": settings.airflow_client_key,
    }
    faults += [
        f"{name} is no file that can be read." for name, path in files.items() if path and not _reads(path)
    ]
    if not re.fullmatch(r"[A-Za-z0-9-]+", settings.airflow_auth_header):
        faults.append("AIRFLOW_AUTH_HEADER is no name of a header, such as X-API-Key.")
    is_unused = settings.airflow_auth in _CREDENTIAL_FREE or settings.key_vault_uri
    if environ.get("IDENTITY_ENDPOINT") and not is_unused:
        # Azure sets it; whoever wants secrets in its app settings there must say so.
        faults.append("KEY_VAULT_URI is not set: in Azure the credentials are read from Key Vault only.")
    return faults


def _token_url_faults(settings: Settings) -> list[str]:
    url = settings.airflow_oauth_token_url
    if not url:
        return ["AIRFLOW_AUTH=oauth needs AIRFLOW_OAUTH_TOKEN_URL."]
    host = url.removeprefix("http://").partition("/")[0].rpartition(":")[0]
    if url.startswith("http://") and not is_loopback(host) and not settings.airflow_allow_http:
        return ["AIRFLOW_OAUTH_TOKEN_URL is plain http: use https, or AIRFLOW_ALLOW_HTTP=true."]
    return []


def _client_certificate(settings: Settings) -> tuple[str, str] | str | None:
    if settings.airflow_client_key:
        return settings.airflow_client_certificate, settings.airflow_client_key
    return settings.airflow_client_certificate or None


def _credential_source(settings: Settings, environ: Mapping[str, str], log: EventLog) -> CredentialSource:
    if not settings.key_vault_uri:
        return EnvironmentCredentials(environ)
    return KeyVaultCredentials(
        open_vault(settings.key_vault_uri, AppIdentity.from_env(environ)),
        name=settings.airflow_credential_secret,
        lifetime_seconds=settings.key_vault_cache_seconds,
        refusal_pause_seconds=settings.credential_refusal_pause_seconds,
        log=log,
    )


def _reads(path: str) -> bool:
    return Path(path).is_file() and os.access(path, os.R_OK)
