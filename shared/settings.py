"""Every app setting: read once, checked at once, all faults in one message."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from shared.bindings import Bindings
from shared.errors import Misconfigured
from shared.loopback import is_loopback
from shared.storage_connection import StorageConnection

type Parse = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How one app setting is read.

    Attributes:
        name: Name of the app setting.
        parse: Turns its text into the value; raises ValueError with what was expected.
        default: Text that stands in where it is not set; None where it must be set.
        purpose: One line for people; the README's table holds the same.
    """

    name: str
    parse: Parse
    default: str | None
    purpose: str


def _setting(name: str, parse: Parse, default: str | None, purpose: str) -> Any:
    return field(metadata={"setting": Setting(name=name, parse=parse, default=default, purpose=purpose)})


def _text(text: str) -> str:
    return text


def _flag(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        msg = "is neither true nor false"
        raise ValueError(msg)
    return text.lower() == "true"


def _whole(least: int, most: int) -> Parse:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            msg = f"is no whole number from {least} to {most}"
            raise ValueError(msg)
        return int(text)

    return parse


def _seconds(least: float, most: float) -> Parse:
    def parse(text: str) -> float:
        try:
            seconds = float(text)
        except ValueError:
            seconds = float("nan")
        if not least <= seconds <= most:
            msg = f"is no number of seconds from {least:g} to {most:g}"
            raise ValueError(msg)
        return seconds

    return parse


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        msg = "is no address such as https://airflow.example.com or https://host/team/airflow"
        raise ValueError(msg)
    if parts.username or parts.password:
        msg = "holds a user name or a password: put them where the credentials are kept"
        raise ValueError(msg)
    return text.rstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings that the app runs with. Holds no secret but what `StorageConnection` masks."""

    airflow_base_url: str = _setting(
        "AIRFLOW_BASE_URL", _base_url, None, "Address of Airflow's web server, with its path if it has one"
    )
    airflow_dag_id: str = _setting("AIRFLOW_DAG_ID", _text, None, "The DAG that every blob starts")
    airflow_allow_http: bool = _setting(
        "AIRFLOW_ALLOW_HTTP", _flag, "false", "Allow plain http to a host that is not this machine"
    )
    airflow_connect_timeout_seconds: float = _setting(
        "AIRFLOW_CONNECT_TIMEOUT_SECONDS", _seconds(0.1, 60), "5", "How long to wait for a connection"
    )
    airflow_read_timeout_seconds: float = _setting(
        "AIRFLOW_READ_TIMEOUT_SECONDS", _seconds(0.1, 120), "30", "How long to wait for an answer"
    )
    airflow_retry_budget_seconds: float = _setting(
        "AIRFLOW_RETRY_BUDGET_SECONDS", _seconds(0, 90), "20", "How long quick retries of one run may go on"
    )
    conf_max_bytes: int = _setting(
        "CONF_MAX_BYTES", _whole(1_024, 1_048_576), "65536", "Largest conf that is sent"
    )
    threads: int = _setting(
        "PYTHON_THREADPOOL_THREAD_COUNT",
        _whole(1, 1_000),
        "32",
        "Threads of one worker process; at least the parallelism that host.json allows",
    )
    bindings: Bindings
    landing: StorageConnection

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read and check every setting.

        Raises:
            Misconfigured: With every fault, each with its setting and what to do.
        """
        values: dict[str, Any] = {}
        faults: list[str] = []
        for name, setting in cls.table().items():
            text = environ.get(setting.name, "").strip() or setting.default
            if text is None:
                faults.append(f"{setting.name} is not set: {setting.purpose}.")
                continue
            try:
                values[name] = setting.parse(text)
            except ValueError as error:
                # A password in an address must not come back in the message.
                faults.append(f"{setting.name}={text.rpartition('@')[2]!a} {error}.")
        values["bindings"] = Bindings.from_env(environ)
        faults += values["bindings"].faults
        try:
            values["landing"] = StorageConnection.from_env(environ, values["bindings"].connection)
        except ValueError as error:
            faults.append(str(error))
        faults += _plain_http_faults(values)
        if faults:
            msg = "The app settings are unusable: " + " ".join(faults)
            raise Misconfigured(msg)
        return cls(**values)

    @classmethod
    def table(cls) -> dict[str, Setting]:
        """List the settings by field, in the order of the README's table."""
        return {item.name: item.metadata["setting"] for item in fields(cls) if "setting" in item.metadata}


def _plain_http_faults(values: Mapping[str, Any]) -> list[str]:
    url = urlsplit(values.get("airflow_base_url", "https://unset"))
    if url.scheme == "https" or is_loopback(url.hostname or "") or values.get("airflow_allow_http"):
        return []
    fault = (
        f"AIRFLOW_BASE_URL={url.geturl()!a} is plain http: passwords would be readable on the way. "
        "Use https, or set AIRFLOW_ALLOW_HTTP=true where the network is trusted."
    )
    return [fault]
