"""`connection_faults`: settings of the connection to Airflow that contradict each other.

Standard library only: a deployment is checked where nothing is installed.
"""

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from shared.config.budget import budget_faults
from shared.config.loopback import is_loopback
from shared.config.settings import Settings

_CREDENTIAL_FREE = {"none", "entra"}
VAULT = "vault"
"""Value of AIRFLOW_CLIENT_CERTIFICATE: the certificate is in the secret."""


def connection_faults(
    settings: Settings, environ: Mapping[str, str], *, reads: Callable[[str], bool]
) -> list[str]:
    """Return what is wrong with the combination of settings, each as a sentence with what to do.

    `reads` tells whether the app can read the file of a path, where it runs.
    """
    faults = []
    if settings.airflow_auth == "entra" and not settings.airflow_entra_scope:
        faults.append("AIRFLOW_AUTH=entra needs AIRFLOW_ENTRA_SCOPE, such as api://airflow/.default.")
    if settings.airflow_auth == "oauth":
        faults += _token_url_faults(settings)
    if settings.airflow_auth == "token" and settings.airflow_api in {"v1", "experimental"}:
        faults.append(
            f"AIRFLOW_AUTH=token is the log-in of Airflow 3; AIRFLOW_API={settings.airflow_api} has none."
        )
    faults += budget_faults(settings)
    if settings.key_vault_uri and not settings.key_vault_uri.startswith("https://"):
        faults.append("KEY_VAULT_URI must begin with https://.")
    if settings.airflow_client_key and not settings.airflow_client_certificate:
        faults.append("AIRFLOW_CLIENT_KEY needs AIRFLOW_CLIENT_CERTIFICATE.")
    in_vault = settings.airflow_client_certificate == VAULT
    if in_vault and (not settings.key_vault_uri or settings.airflow_client_key):
        faults.append(
            f"AIRFLOW_CLIENT_CERTIFICATE={VAULT} needs KEY_VAULT_URI, and no AIRFLOW_CLIENT_KEY: both PEMs "
            "are in the secret."
        )
    files = {
        "AIRFLOW_CA_BUNDLE": settings.airflow_ca_bundle,
        "AIRFLOW_CLIENT_CERTIFICATE": "" if in_vault else settings.airflow_client_certificate,
        "AIRFLOW_CLIENT_KEY": settings.airflow_client_key,
    }
    faults += [
        f"{name} must be the path of a readable file."
        for name, path in files.items()
        if path and not reads(path)
    ]
    if not re.fullmatch(r"[A-Za-z0-9-]+", settings.airflow_auth_header):
        faults.append("AIRFLOW_AUTH_HEADER must be the name of a header, such as X-API-Key.")
    is_unused = settings.airflow_auth in _CREDENTIAL_FREE or settings.key_vault_uri
    if environ.get("IDENTITY_ENDPOINT") and not is_unused:
        # Set only in Azure, where credentials must come from Key Vault.
        faults.append("KEY_VAULT_URI is not set: in Azure the credentials must come from Key Vault.")
    return faults


def _token_url_faults(settings: Settings) -> list[str]:
    url = settings.airflow_oauth_token_url
    if not url:
        return ["AIRFLOW_AUTH=oauth needs AIRFLOW_OAUTH_TOKEN_URL."]
    host = urlsplit(url).hostname or ""
    if url.startswith("http://") and not is_loopback(host) and not settings.airflow_allow_http:
        return ["AIRFLOW_OAUTH_TOKEN_URL is plain http: use https, or set AIRFLOW_ALLOW_HTTP=true."]
    return []
