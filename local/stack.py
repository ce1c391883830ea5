"""The whole local stack: Azurite, a real Airflow and the app in a host, connected to each other."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from azure.storage.blob import BlobServiceClient

from local.airflow import Airflow, landing_storage, start_airflow
from local.azurite import Azurite, start_azurite
from local.host import HostOptions, HostTimes, RunningHost, start_host
from local.processes import free_port

CONTAINER = "landing"
DAG_ID = "copy_file"
EXAMPLES = frozenset({"copy_file", "taskflow_params", "xcom_chain"})

# A person waits here, so the host looks for new blobs more often than the real one does.
TIMES = HostTimes(container_scan=1, queue_poll_max=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Preferred ports; another one is used where it is taken. 0 for any."""

    blob: int = 0
    queue: int = 0
    table: int = 0
    airflow: int = 0
    host: int = 0


WELL_KNOWN = Ports(blob=10000, queue=10001, table=10002, airflow=8080, host=7071)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A running stack whose landing container exists."""

    azurite: Azurite
    airflow: Airflow
    host: RunningHost

    @property
    def is_running(self) -> bool:
        """Whether every part still runs."""
        return self.azurite.is_running and self.airflow.is_running and self.host.process.is_running


def app_settings(azurite: Azurite, airflow: Airflow, *, container: str = CONTAINER) -> dict[str, str]:
    """Return the app settings that connect the app to Azurite and Airflow."""
    return {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AzureWebJobsStorage": azurite.connection_string,
        "LandingStorage": azurite.connection_string,
        "EVENT_SOURCE": "LogsAndContainerScan",
        "LANDING_PATH": f"{container}/{{name}}",
        "AIRFLOW_BASE_URL": airflow.base_url,
        "AIRFLOW_DAG_ID": DAG_ID,
        "AIRFLOW_USERNAME": airflow.username,
        "AIRFLOW_PASSWORD": airflow.password,
        "PYTHON_THREADPOOL_THREAD_COUNT": "32",
    }


@contextmanager
def start_stack(*, ports: Ports) -> Iterator[Stack]:
    """Start everything and print how long each part took; stop everything at the end.

    Raises:
        NotInstalledError: a part is missing.
        ProcessError: a part did not start; the message ends with its log.
    """
    with ExitStack() as started:
        started.callback(print, "stopped everything", flush=True)
        with _reported("Azurite"):
            azurite = started.enter_context(
                start_azurite(
                    blob_port=free_port(preferred=ports.blob),
                    queue_port=free_port(preferred=ports.queue),
                    table_port=free_port(preferred=ports.table),
                )
            )
            with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
                service.create_container(CONTAINER)
        with _reported("Airflow"):
            airflow = started.enter_context(
                start_airflow(
                    port=free_port(preferred=ports.airflow),
                    variables=landing_storage(azurite.connection_string),
                )
            )
            airflow.api.wait_for_dags(set(EXAMPLES))
        with _reported("the app"):
            options = HostOptions(
                environment=app_settings(azurite, airflow),
                port=free_port(preferred=ports.host),
                times=TIMES,
            )
            host = started.enter_context(start_host(options))
        # The last callback runs first: this is printed before any part stops.
        started.callback(print, "stopping ...", flush=True)
        yield Stack(azurite=azurite, airflow=airflow, host=host)


@contextmanager
def _reported(what: str) -> Iterator[None]:
    print(f"starting {what} ...", flush=True)
    began = time.monotonic()
    yield
    print(f"started {what} in {time.monotonic() - began:.1f} s", flush=True)
