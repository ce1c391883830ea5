"""`build_airflow_client`: the client as the settings want it."""

from collections.abc import Callable, Mapping
from functools import cache

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
from shared.airflow.key_vault import AppIdentity, KeyVaultCredentials, open_vault
from shared.airflow.link import DIALECTS, DetectedLink, FixedLink, Link
from shared.airflow.token_pass import Grant, TokenPass
from shared.config.settings import Settings
from shared.event_log import EventLog
from shared.timing import CREDENTIAL_REFUSAL_PAUSE_SECONDS, KEY_VAULT_CACHE_SECONDS

_CREDENTIAL_FREE = {"none", "entra"}


def build_airflow_client(
    settings: Settings,
    environ: Mapping[str, str],
    log: EventLog,
    *,
    key_vault_cache_seconds: float = KEY_VAULT_CACHE_SECONDS,
    refusal_pause_seconds: float = CREDENTIAL_REFUSAL_PAUSE_SECONDS,
) -> AirflowClient:
    """Build the client; opens no connection.

    Args:
        settings: Checked by `shared.config.load`.
        environ: App settings: where the credentials are without a Key Vault.
        log: Takes what happens to the secret and to the API in use.
        key_vault_cache_seconds: How long the secret is taken as current.
        refusal_pause_seconds: How often at most a rejection makes the app read the secret or log in again.
    """
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
        source = _credential_source(
            settings,
            environ,
            log,
            key_vault_cache_seconds=key_vault_cache_seconds,
            refusal_pause_seconds=refusal_pause_seconds,
        )
    rotation = Rotation(source, refusal_pause_seconds=refusal_pause_seconds)

    def fixed(write: Write) -> AuthBase:
        return HeaderAuth(FixedPass(rotation, write))

    def exchanged(grant: Grant) -> AuthBase:
        return HeaderAuth(TokenPass(grant, rotation, refusal_pause_seconds=refusal_pause_seconds))

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


def _client_certificate(settings: Settings) -> tuple[str, str] | str | None:
    if settings.airflow_client_key:
        return settings.airflow_client_certificate, settings.airflow_client_key
    return settings.airflow_client_certificate or None


def _credential_source(
    settings: Settings,
    environ: Mapping[str, str],
    log: EventLog,
    *,
    key_vault_cache_seconds: float,
    refusal_pause_seconds: float,
) -> CredentialSource:
    if not settings.key_vault_uri:
        return EnvironmentCredentials(environ)
    return KeyVaultCredentials(
        open_vault(settings.key_vault_uri, AppIdentity.from_env(environ)),
        name=settings.airflow_credential_secret,
        lifetime_seconds=key_vault_cache_seconds,
        refusal_pause_seconds=refusal_pause_seconds,
        log=log,
    )
