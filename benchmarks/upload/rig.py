"""A real Airflow on PostgreSQL, Azurite, and proxies that count: what every way is measured with."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from benchmarks.upload.ways import WAYS, through
from local.airflow import Airflow, AirflowKind, start_airflow
from local.azurite import Azurite, start_azurite
from local.postgres import Postgres, start_postgres
from local.processes import free_port
from tests.support.counting_proxy import CountingProxy, counting_proxy

_DAGS = Path(__file__).parent / "dags"
_TIMEOUT_SECONDS = 60


@dataclass(slots=True, kw_only=True)
class Rig:
    """What runs for the length of the benchmark.

    Attributes:
        lines: Where tasks write down when they began.
        storages: For each way, in front of the blobs that it looks at; uploads go beside it.
        fronts: For each way, in front of Airflow, as its function sees it.
    """

    airflow: Airflow
    azurite: Azurite
    postgres: Postgres
    database: str
    lines: Path
    storages: dict[str, CountingProxy]
    fronts: dict[str, CountingProxy]
    _token: str = field(default="", repr=False)

    def landing(self, way: str) -> str:
        """Return the connection string of the blobs behind the proxy of a way."""
        return through(self.azurite, self.storages[way])

    @property
    def api(self) -> str:
        """The address of the API."""
        generation = "v1" if self.airflow.kind.name.startswith("airflow-2") else "v2"
        return f"{self.airflow.base_url}/api/{generation}"

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        """Ask Airflow as its administrator."""
        options: dict[str, Any] = {"json": body} if body is not None else {}
        login = (self.airflow.username, self.airflow.password)
        if self.api.endswith("v1"):
            return requests.request(
                method, f"{self.api}/{path}", auth=login, timeout=_TIMEOUT_SECONDS, **options
            )
        if not self._token:
            asked = {"username": login[0], "password": login[1]}
            answer = requests.post(
                f"{self.airflow.base_url}/auth/token", json=asked, timeout=_TIMEOUT_SECONDS
            )
            self._token = answer.json()["access_token"]
        options["headers"] = {"Authorization": f"Bearer {self._token}"}
        return requests.request(method, f"{self.api}/{path}", timeout=_TIMEOUT_SECONDS, **options)

    def start_run(self, dag_id: str, run_id: str, conf: dict[str, str]) -> None:
        """Start a run."""
        body = {"dag_run_id": run_id, "conf": conf}
        when = {} if self.api.endswith("v1") else {"logical_date": None}
        self.call("POST", f"dags/{dag_id}/dagRuns", body | when).raise_for_status()

    def wait_for_dags(self, dag_ids: set[str]) -> None:
        """Wait until Airflow has read its DAGs.

        Raises:
            TimeoutError: Some are missing.
        """
        deadline = time.monotonic() + 2 * _TIMEOUT_SECONDS
        while missing := {each for each in dag_ids if not self.call("GET", f"dags/{each}").ok}:
            if time.monotonic() > deadline:
                msg = f"no such DAGs: {sorted(missing)} {self.call('GET', 'importErrors').text}"
                raise TimeoutError(msg)
            time.sleep(1)

    def began(self) -> dict[str, dict[str, Any]]:
        """Return the line of each file whose work has begun; the first, where Airflow began it again."""
        text = self.lines.read_text(encoding="utf-8") if self.lines.exists() else ""
        return {line["file"]: line for line in map(json.loads, reversed(text.splitlines()))}

    def query(self, sql: str) -> list[list[str]]:
        """Ask Airflow's database."""
        return self.postgres.query(sql, database=self.database)


@contextmanager
def start_rig(kind: AirflowKind) -> Iterator[Rig]:
    """Start everything; stop it at the end."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="upload-"))
        azurite = stack.enter_context(start_azurite())
        postgres = stack.enter_context(start_postgres())
        url = postgres.new_database()
        port, lines = free_port(), Path(folder) / "lines.json"
        storages = {name: stack.enter_context(counting_proxy(azurite.blob_port)) for name in WAYS}
        variables = {
            # Each sensor's DAG has a connection of its own.
            f"AIRFLOW_CONN_WASB_{name.upper()}": json.dumps(
                {"conn_type": "wasb", "extra": {"connection_string": through(azurite, proxy)}}
            )
            for name, proxy in storages.items()
        }
        variables["BENCHMARK_FILE"] = str(lines)
        airflow = stack.enter_context(
            start_airflow(kind=kind, dags_folder=_DAGS, port=port, variables=variables, database_url=url)
        )
        yield Rig(
            airflow=airflow,
            azurite=azurite,
            postgres=postgres,
            database=url.partition("@/")[2].partition("?")[0],
            lines=lines,
            storages=storages,
            fronts={name: stack.enter_context(counting_proxy(port)) for name in WAYS},
        )
