"""`Settings`: every app setting, read and checked once, with all faults in one message."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from shared.config.addresses import airflow_url, base_url, base_urls, shown, shown_url
from shared.config.bindings import Bindings
from shared.config.loopback import is_loopback
from shared.config.parsers import (
    Setting,
    blob_path_or_empty,
    boolean,
    dag_id_or_empty,
    duration,
    integer,
    lines,
    one_of,
    or_empty,
    or_none,
    seconds,
    setting,
    text,
)
from shared.config.storage_connection import SERVICES, StorageConnection
from shared.model.conf import CONF_LIMIT_BYTES
from shared.model.errors import Misconfigured
from shared.model.run_request import WhenPaused

HOST_CONNECTION = "AzureWebJobsStorage"
"""Prefix of the app settings of the account that the Functions host uses, and the app for its tables."""

_LANDING_SERVICES = ("blob", "queue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of the app. Contains no secret but what `StorageConnection` masks."""

    airflow_base_url: str = setting(
        "AIRFLOW_BASE_URL", airflow_url, None, "Address of Airflow's web server, with its path if it has one"
    )
    airflow_former_urls: frozenset[str] = setting(
        "AIRFLOW_FORMER_URLS",
        base_urls,
        "",
        "Earlier addresses of the same Airflow, separated by commas",
    )
    airflow_dag_id: str = setting(
        "AIRFLOW_DAG_ID", dag_id_or_empty, "", "The DAG that every blob starts if there are no routes"
    )
    routes: str = setting("AIRFLOW_ROUTES", lines, "", "The routes themselves, as TOML, instead of a file")
    routes_file: str = setting(
        "ROUTES_FILE", text, "", "File of routes, below the app's folder; `routes.toml` is used if it exists"
    )
    routes_blob: str = setting(
        "ROUTES_BLOB",
        blob_path_or_empty,
        "",
        "Blob of the host account with the routes, as `container/name`; looked at once a minute",
    )
    logical_date: str = setting(
        "AIRFLOW_LOGICAL_DATE",
        one_of(str, "none", "event_time"),
        "none",
        "Logical date of a run: `none`, or `event_time` for DAGs that use `{{ ds }}`",
    )
    when_paused: WhenPaused = setting(
        "AIRFLOW_WHEN_PAUSED",
        one_of(WhenPaused, "queue", "hold", "drop"),
        "queue",
        "A paused DAG's runs: `queue` in Airflow, `hold` here until it is unpaused, or `drop`",
    )
    airflow_allow_http: bool = setting(
        "AIRFLOW_ALLOW_HTTP", boolean, "false", "Allow plain http to a host that is not this machine"
    )
    airflow_api: str = setting(
        "AIRFLOW_API",
        one_of(str, "auto", "experimental", "v1", "v2"),
        "auto",
        "Generation of Airflow's API; `auto` asks the server, once",
    )
    airflow_auth: str = setting(
        "AIRFLOW_AUTH",
        one_of(str, "auto", "basic", "token", "bearer", "header", "oauth", "entra", "none"),
        "auto",
        "How the app logs in to Airflow; `auto` is `token` for v2 and `basic` otherwise",
    )
    airflow_auth_header: str = setting(
        "AIRFLOW_AUTH_HEADER", text, "X-API-Key", "Header for the token, with `header`"
    )
    airflow_oauth_token_url: str = setting(
        "AIRFLOW_OAUTH_TOKEN_URL", or_empty(base_url), "", "Token endpoint, with `oauth`"
    )
    airflow_oauth_scope: str = setting("AIRFLOW_OAUTH_SCOPE", text, "", "Scope to ask for, with `oauth`")
    airflow_entra_scope: str = setting(
        "AIRFLOW_ENTRA_SCOPE", text, "", "Scope to ask for, with `entra`, such as `api://airflow/.default`"
    )
    airflow_ca_bundle: str = setting(
        "AIRFLOW_CA_BUNDLE", text, "", "File of the certificate authorities to trust for Airflow"
    )
    airflow_client_certificate: str = setting(
        "AIRFLOW_CLIENT_CERTIFICATE", text, "", "File with the app's own certificate (mTLS), or `vault`"
    )
    airflow_client_key: str = setting(
        "AIRFLOW_CLIENT_KEY", text, "", "File with its key, if that is separate"
    )
    airflow_trust_env: bool = setting(
        "AIRFLOW_TRUST_ENV", boolean, "false", "Use the proxies and certificates of the environment"
    )
    key_vault_uri: str = setting(
        "KEY_VAULT_URI",
        or_empty(base_url),
        "",
        "Key Vault with the credentials; if not set (local only), the environment",
    )
    airflow_credential_secret: str = setting(
        "AIRFLOW_CREDENTIAL_SECRET", text, "airflow-credentials", "Name of the secret"
    )
    airflow_connect_timeout_seconds: float = setting(
        "AIRFLOW_CONNECT_TIMEOUT_SECONDS", seconds(0.1, 60), "5", "How long to wait for a connection"
    )
    airflow_read_timeout_seconds: float = setting(
        "AIRFLOW_READ_TIMEOUT_SECONDS", seconds(0.1, 120), "30", "How long to wait for a response"
    )
    airflow_retry_budget_seconds: float = setting(
        "AIRFLOW_RETRY_BUDGET_SECONDS",
        seconds(0, 90),
        "20",
        "How long to retry one run at once, before it waits",
    )
    airflow_max_concurrency: int = setting(
        "AIRFLOW_MAX_CONCURRENCY", integer(1, 100), "4", "Concurrent calls to Airflow, for each instance"
    )
    airflow_max_runs_per_minute: int | None = setting(
        "AIRFLOW_MAX_RUNS_PER_MINUTE",
        or_none(integer(1, 100_000)),
        "",
        "Cap on runs created, over all instances",
    )
    airflow_max_queued_runs: int | None = setting(
        "AIRFLOW_MAX_QUEUED_RUNS",
        or_none(integer(1, 100_000)),
        "",
        "Cap on runs that wait in Airflow, without those of paused DAGs",
    )
    missing_dag_max_age: timedelta = setting(
        "MISSING_DAG_MAX_AGE",
        duration(timedelta(minutes=1)),
        "7d",
        "How long to wait for a DAG that does not exist; at least a minute",
    )
    reconcile_window: timedelta = setting(
        "RECONCILE_WINDOW",
        duration(timedelta(hours=1)),
        "2d",
        "How far back the reconciler looks; Event Grid tries to deliver for a day",
    )
    conf_max_bytes: int = setting(
        "CONF_MAX_BYTES", integer(1_024, CONF_LIMIT_BYTES), "65536", "Largest conf to send, at most 262144"
    )
    threads: int = setting(
        "PYTHON_THREADPOOL_THREAD_COUNT",
        integer(1, 1_000),
        "32",
        "Threads of one worker process; at least the parallelism that host.json allows",
    )
    bindings: Bindings
    landing: StorageConnection
    host: StorageConnection

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read and check every setting.

        Raises:
            Misconfigured: With every fault, its setting and what to do.
        """
        values: dict[str, Any] = {}
        faults: list[str] = []
        for name, item in cls.table().items():
            value = environ.get(item.name, "").strip() or item.default
            if value is None:
                faults.append(f"{item.name} is not set: {item.purpose}.")
                continue
            try:
                values[name] = item.parse(value)
            except ValueError as error:
                faults.append(f"{item.name}={_shown(item, value)} {error}.")
        values["bindings"] = Bindings.from_env(environ)
        faults += values["bindings"].faults
        for name, prefix, services in (
            ("landing", values["bindings"].connection, _LANDING_SERVICES),
            ("host", HOST_CONNECTION, SERVICES),
        ):
            try:
                values[name] = StorageConnection.from_env(environ, prefix, services=services)
            except ValueError as error:
                faults.append(str(error))
        faults += _plain_http_faults(values)
        if faults:
            msg = "The app settings are unusable: " + " ".join(faults)
            raise Misconfigured(msg)
        return cls(**values)

    @classmethod
    def table(cls) -> dict[str, Setting]:
        """List the settings by field, in the order of docs/settings.md."""
        return {item.name: item.metadata["setting"] for item in fields(cls) if "setting" in item.metadata}


def _shown(item: Setting, value: str) -> str:
    """Return a value for a message; where an address belongs, nothing else is shown."""
    return repr(shown_url(value)) if item.name.endswith(("_URL", "_URLS", "_URI")) else shown(value)


def _plain_http_faults(values: Mapping[str, Any]) -> list[str]:
    url = urlsplit(values.get("airflow_base_url", "https://unset"))
    if url.scheme == "https" or is_loopback(url.hostname or "") or values.get("airflow_allow_http"):
        return []
    fault = (
        f"AIRFLOW_BASE_URL={shown_url(url.geturl())!a} is plain http: passwords would be sent in clear text. "
        "Use https, or set AIRFLOW_ALLOW_HTTP=true if the network is trusted."
    )
    return [fault]
