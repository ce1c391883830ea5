"""The ways from an upload to a run, and what the benchmark does before each upload."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from local.airflow import Airflow
from local.azurite import Azurite
from local.host import HostOptions, RunningHost, start_host
from local.stack import TIMES, app_settings
from tests.support.counting_proxy import CountingProxy

_FOLDER = Path(__file__).parent
_CALL = re.compile(r"^\[(\S+)\] \[\w+\] Executing .*New blob detected\(\w+\): [^/]+/(\S+)', Id", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way.

    Attributes:
        title: How the docs name it.
        is_sensor: Whether a run waits for each file, in the DAG of this name; else a function starts `work`.
        app: The folder of the function.
    """

    title: str
    is_sensor: bool = True
    app: Path | None = None


WAYS = {
    "app": Way(title="this app", is_sensor=False),
    "snippet": Way(title="a function that logs in and posts", is_sensor=False, app=_FOLDER / "snippet"),
    "poke": Way(title="WasbBlobSensor, poke"),
    "poke_5s": Way(title="WasbBlobSensor, poke each 5 s"),
    "reschedule": Way(title="WasbBlobSensor, reschedule"),
    "deferrable": Way(title="WasbPrefixSensor, deferrable"),
}


def through(azurite: Azurite, proxy: CountingProxy) -> str:
    """Return the connection string of an account whose blobs are behind the proxy."""
    return azurite.connection_string.replace(f"127.0.0.1:{azurite.blob_port}/", f"127.0.0.1:{proxy.port}/")


@contextmanager
def function_of(
    way: Way, *, azurite: Azurite, airflow: Airflow, container: str, airflow_url: str, landing: str
) -> Iterator[RunningHost | None]:
    """Run the way's function in the local host, as `make run` does; nothing for a sensor."""
    if way.is_sensor:
        yield None
        return
    settings = {
        **app_settings(azurite, airflow, container=container),
        "LandingStorage": landing,
        "AIRFLOW_BASE_URL": airflow_url,
        "AIRFLOW_DAG_ID": "work",
    }
    if way.app:
        settings["AIRFLOW_API"] = "v1" if airflow.kind.name.startswith("airflow-2") else "v2"
    options = HostOptions(environment=settings, times=TIMES, host="standin")
    if way.app:
        options = HostOptions(environment=settings, times=TIMES, host="standin", app=way.app)
    with start_host(options) as host:
        yield host


def called_at(log: str) -> dict[str, float]:
    """Return when the host called the function for each blob, in seconds since the epoch."""
    return {match[2]: datetime.fromisoformat(match[1]).timestamp() for match in _CALL.finditer(log)}
