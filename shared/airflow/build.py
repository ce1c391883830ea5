"""`build_airflow_client`: the client for these settings."""

from collections.abc import Callable, Mapping
from functools import cache, partial

from requests.auth import AuthBase

from shared.airflow.auth import FixedHeader, HeaderAuth, NoAuth, api_key, basic, bearer
from shared.airflow.client import AirflowClient
from shared.airflow.client_certificate import VaultCertificate
from shared.airflow.credentials import CredentialSource, EnvironmentCredentials, Rotation
from shared.airflow.dialects.base import Dialect
from shared.airflow.elsewhere import find_elsewhere
from shared.airflow.http import AirflowHttp, HttpLimits
from shared.airflow.key_vault import AppIdentity, Identity, KeyVaultCredentials, open_vault
from shared.airflow.session import DIALECTS, ApiSession, DetectedSession, FixedSession, SessionSource
from shared.airflow.token_header import TokenHeader
from shared.airflow.tokens import AirflowLogIn, EntraIdentity, OAuthClient, TokenProvider
from shared.config.budget import delivery_seconds
from shared.config.checks import VAULT
from shared.config.settings import Settings
from shared.event_log import EventLog
from shared.timing import CREDENTIAL_REFUSAL_PAUSE_SECONDS, KEY_VAULT_CACHE_SECONDS

_CREDENTIAL_FREE = {"none", "entra"}


def build_airflow_client(
    settings: Settings,
    environ: Mapping[str, str],
    log: EventLog,
    *,
    identity: Identity | None = None,
    key_vault_cache_seconds: float = KEY_VAULT_CACHE_SECONDS,
    refusal_pause_seconds: float = CREDENTIAL_REFUSAL_PAUSE_SECONDS,
) -> AirflowClient:
    """Build the client; opens no connection.

    Args:
        settings: Checked by `shared.config.load`.
        environ: App settings, which hold the credentials where there is no Key Vault.
        log: Takes new versions of the secret, failures to read it, and the API that was detected.
        identity: Asks the vault and Entra ID, instead of the app's own identity.
        key_vault_cache_seconds: How long the secret is taken as current.
        refusal_pause_seconds: Shortest time between reads of the secret, or log-ins, after rejections.
    """
    identity = identity or AppIdentity.from_env(environ)
    source: CredentialSource = EnvironmentCredentials({})
    in_vault = settings.airflow_client_certificate == VAULT
    if settings.airflow_auth in _CREDENTIAL_FREE and not in_vault:
        pass
    elif settings.key_vault_uri:
        source = KeyVaultCredentials(
            open_vault(settings.key_vault_uri, identity),
            name=settings.airflow_credential_secret,
            lifetime_seconds=key_vault_cache_seconds,
            refusal_pause_seconds=refusal_pause_seconds,
            log=log,
        )
    else:
        source = EnvironmentCredentials(environ)
    rotation = Rotation(source, refusal_pause_seconds=refusal_pause_seconds)
    ca_bundle = settings.airflow_ca_bundle or None
    limits = HttpLimits(
        threads=settings.threads,
        connect_timeout_seconds=settings.airflow_connect_timeout_seconds,
        read_timeout_seconds=settings.airflow_read_timeout_seconds,
        ca_bundle=ca_bundle,
        client_certificate=_client_certificate(settings),
        vault_certificate=VaultCertificate(source, ca_bundle=ca_bundle) if in_vault else None,
        trust_environment=settings.airflow_trust_env,
    )
    http = AirflowHttp(settings.airflow_base_url, limits)

    def exchanged(provider: TokenProvider) -> AuthBase:
        return HeaderAuth(TokenHeader(provider, rotation, refusal_pause_seconds=refusal_pause_seconds))

    kinds: dict[str, Callable[[], AuthBase]] = {
        "none": NoAuth,
        "basic": lambda: HeaderAuth(FixedHeader(rotation, basic)),
        "bearer": lambda: HeaderAuth(FixedHeader(rotation, bearer)),
        "header": lambda: HeaderAuth(
            FixedHeader(rotation, partial(api_key, name=settings.airflow_auth_header))
        ),
        "token": lambda: exchanged(AirflowLogIn(http.send)),
        "oauth": lambda: exchanged(
            OAuthClient(
                AirflowHttp(settings.airflow_oauth_token_url, limits, setting="AIRFLOW_OAUTH_TOKEN_URL").send,
                scope=settings.airflow_oauth_scope,
            )
        ),
        "entra": lambda: exchanged(EntraIdentity(identity.credential, scope=settings.airflow_entra_scope)),
    }

    @cache
    def auth(kind: str) -> AuthBase:
        return kinds[kind]()

    def session(dialect: Dialect) -> ApiSession:
        kind = settings.airflow_auth
        if kind == "auto":
            kind = "token" if dialect.name == "v2" else "basic"
        return ApiSession(dialect=dialect, auth=auth(kind), auth_kind=kind)

    def client(sessions: SessionSource) -> AirflowClient:
        return AirflowClient(
            http,
            sessions,
            conf_max_bytes=settings.conf_max_bytes,
            limit_seconds=delivery_seconds(settings),
        )

    if settings.airflow_api != "auto":
        named = next(dialect for dialect in DIALECTS if dialect.name == settings.airflow_api)
        return client(FixedSession(session(named)))
    # A password is sent only to what is known to be Airflow; a gateway's credentials from the start.
    is_for_airflow = settings.airflow_auth in {"auto", "basic", "token"}
    send = partial(http.send, auth=auth("none" if is_for_airflow else settings.airflow_auth))
    elsewhere = partial(find_elsewhere, http)
    return client(DetectedSession(send, session, log, elsewhere=elsewhere))


def _client_certificate(settings: Settings) -> tuple[str, str] | str | None:
    if settings.airflow_client_certificate == VAULT:
        return None
    if settings.airflow_client_key:
        return settings.airflow_client_certificate, settings.airflow_client_key
    return settings.airflow_client_certificate or None
