"""What the benchmark of one event compares: the app, the two bare requests, and what people write."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient, ContainerClient
from requests.adapters import HTTPAdapter

from shared.airflow.build import build_airflow_client
from shared.config.load import load_configuration
from shared.event_log import EventLog
from shared.model.blob_event import BlobEvent
from shared.model.run_request import RunRequest
from shared.routes.table import RouteTable
from shared.storage.accounts import StorageAccount
from shared.storage.blob_reader import BlobReader

_TIMEOUT_SECONDS = 60
_NUMBERS = count()


def app_settings(base_url: str, storage: str, *, threads: int = 1, ca: Path | None = None) -> dict[str, str]:
    """Return the settings of the app."""
    return {
        "AIRFLOW_BASE_URL": base_url,
        "AIRFLOW_DAG_ID": "copy_file",
        "AIRFLOW_USERNAME": "admin",
        "AIRFLOW_PASSWORD": "admin",
        "AIRFLOW_MAX_CONCURRENCY": str(threads),
        "PYTHON_THREADPOOL_THREAD_COUNT": str(threads),
        "AzureWebJobsStorage": storage,
        "LandingStorage": storage,
        **({"AIRFLOW_CA_BUNDLE": str(ca)} if ca else {}),
    }


@dataclass(frozen=True, slots=True)
class Bare:
    """The two requests that an event cannot do without, with connections that stay open."""

    container: ContainerClient
    session: requests.Session
    base_url: str
    conf: Mapping[str, Any] = field(default_factory=lambda: {"filename": "a.csv"})

    @classmethod
    def build(cls, base_url: str, storage: str, *, threads: int = 1, ca: Path | None = None) -> "Bare":
        """Build the clients, with a connection for each thread."""
        session, of_storage = requests.Session(), requests.Session()
        for each in (session, of_storage):
            for scheme in ("http://", "https://"):
                each.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=threads))
        # As in the app: a proxy of the environment is not asked about.
        session.trust_env = False
        session.verify = str(ca) if ca else True
        transport = RequestsTransport(session=of_storage, session_owner=False)
        service = BlobServiceClient.from_connection_string(storage, transport=transport)
        return cls(service.get_container_client("landing"), session, base_url)

    def head(self, name: str) -> None:
        """Ask for the properties of a blob."""
        self.container.get_blob_client(name).get_blob_properties()

    def post(self, post: Callable[..., requests.Response] | None = None, token: str = "") -> None:
        """Start a run; the stand-in takes any token."""
        body = {"dag_run_id": f"bare-{next(_NUMBERS)}", "conf": self.conf, "logical_date": None}
        (post or self.session.post)(
            f"{self.base_url}/api/v2/dags/copy_file/dagRuns",
            json=body,
            headers={"Authorization": f"Bearer {token}"},
            timeout=_TIMEOUT_SECONDS,
        ).json()

    def event(self, name: str) -> None:
        """Do both."""
        self.head(name)
        self.post()

    def post_anew(self) -> None:
        """Start a run by `requests.post`, which opens a connection."""
        self.post(partial(requests.post, verify=self.session.verify))

    def log_in_and_post(self) -> None:
        """Log in, and start a run, as snippets do for each event."""
        login = {"username": "admin", "password": "admin"}
        answer = requests.post(
            f"{self.base_url}/auth/token", json=login, timeout=_TIMEOUT_SECONDS, verify=self.session.verify
        )
        self.post(partial(requests.post, verify=self.session.verify), answer.json()["access_token"])


@dataclass(frozen=True, slots=True)
class Parts:
    """The app's own HEAD, routes and POST, to be timed one by one."""

    reader: BlobReader
    routes: RouteTable
    trigger: Callable[[RunRequest], object]
    name: str

    @classmethod
    def build(cls, environ: Mapping[str, str], name: str) -> "Parts":
        """Build what the app builds."""
        settings, routes = load_configuration(environ)
        assert routes  # noqa: S101
        airflow = build_airflow_client(settings, environ, EventLog())
        return cls(BlobReader(StorageAccount(settings.landing, threads=1)), routes, airflow.trigger, name)

    def head(self) -> BlobEvent | None:
        """Ask for the properties."""
        return self.reader.read("landing", self.name)

    def route(self) -> RunRequest:
        """Match, and make conf and run id, for a version that nobody has seen."""
        return self.routes.match(self._event()).requests[0]

    def post(self) -> None:
        """Match, and start a run."""
        self.trigger(self.route())

    def posts(self, amount: int) -> Callable[[], object]:
        """Return what starts a run at each call, so many times, of which only the posting takes time."""
        runs = iter([self.route() for _ in range(amount)])
        return lambda: self.trigger(next(runs))

    def _event(self) -> BlobEvent:
        return BlobEvent(
            account="devstoreaccount1",
            container="landing",
            name=self.name,
            etag=f"0x8DD{next(_NUMBERS):012X}",
            size=1,
            event_time=datetime.now(UTC),
            url=f"https://acct.blob.core.windows.net/landing/{self.name}",
        )
