"""`Desk`: what the commands and the page work on, each part opened when it is first asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from operate.azure_cli import OperatorIdentity
from operate.origin import Origin
from shared.config.bindings import LANDING_CONNECTION
from shared.config.load import APP_ROOT, read_table
from shared.config.settings import HOST_CONNECTION, Settings
from shared.config.storage_connection import StorageConnection
from shared.event_log import EventLog
from shared.model.errors import Misconfigured, RetryableError
from shared.routes.load import DEFAULT_FILE, load_routes
from shared.routes.table import RouteTable
from shared.storage import dead_letters as dead
from shared.storage import outbox as waiting
from shared.storage import settled as claims
from shared.storage.accounts import StorageAccount
from shared.storage.dead_letters import DeadLetters
from shared.storage.outbox import Outbox
from shared.storage.settled import Settled
from shared.storage.tables import Table
from shared.timing import Timing

if TYPE_CHECKING:
    from shared.airflow.client import AirflowClient
    from shared.storage.blob_reader import BlobReader

_THREADS = 32


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The parts of one app, as the operator reaches them with their own identity.

    No part opens a connection by itself, and what takes long to import is imported with it: the first lines
    of a list come within a second. A part that cannot be made raises Misconfigured, one that cannot be
    reached an error of its own when it is used, so that a command can answer the rest.

    Attributes:
        origin: Which app.
        routes_file: File of routes to use instead of those that the settings and the checkout have.
        root: Folder of the checkout.
        log: Takes what `shared/` has to say.
        timing: The clocks.
    """

    origin: Origin
    routes_file: Path | None = None
    root: Path = APP_ROOT
    log: EventLog = field(default_factory=EventLog)
    timing: Timing = field(default_factory=Timing)

    @cached_property
    def settings(self) -> Settings:
        """The app settings, checked; raises Misconfigured with every fault."""
        return Settings.from_env(self.origin.settings)

    @cached_property
    def routes(self) -> RouteTable:
        """The routes, as `routes_from` says; raises Misconfigured."""
        settings = self.settings
        if settings.routes_blob and not self.routes_file:
            return self._routes_in_blob()
        return load_routes(
            root=Path.cwd() if self.routes_file else self.root,
            inline="" if self.routes_file else settings.routes,
            file=str(self.routes_file or settings.routes_file),
            dag_id=settings.airflow_dag_id,
            when_paused=settings.when_paused,
            logical_date=settings.logical_date,
        )

    @cached_property
    def owners(self) -> Mapping[str, str]:
        """Who looks after a route, by its id; empty where the routes are unusable, which others tell."""
        try:
            return {route.id: route.owner for route in self.routes.routes if route.owner}
        except RetryableError:
            return {}

    @cached_property
    def routes_from(self) -> str:
        """Where the routes are read from: a deployed app tells of its settings, not of its files."""
        if self.routes_file:
            return str(self.routes_file)
        if self.settings.routes_blob:
            return f"the blob {self.settings.routes_blob}"
        if self.settings.routes:
            return "the app setting AIRFLOW_ROUTES"
        path = self.root / (self.settings.routes_file or DEFAULT_FILE)
        return str(path) if self.settings.routes_file or path.exists() else "the app setting AIRFLOW_DAG_ID"

    @cached_property
    def host(self) -> StorageAccount:
        """The account with the tables, which a misconfigured app has, too."""
        return self._account(HOST_CONNECTION)

    @cached_property
    def landing(self) -> StorageAccount:
        """The account that files land in."""
        return self._account(LANDING_CONNECTION, services=("blob", "queue"))

    @cached_property
    def watched(self) -> tuple[str, ...]:
        """The containers that are watched: those that the routes say, or else that of the blob trigger."""
        try:
            watch = self.routes.watch
        except RetryableError:
            watch = ()  # unusable routes are told by what needs them
        return watch or (self.settings.bindings.container,)

    @cached_property
    def reader(self) -> "BlobReader":
        """Looks at one blob."""
        from shared.storage.blob_reader import BlobReader

        return BlobReader(self.landing)

    @cached_property
    def outbox_table(self) -> Table:
        """What waits, as rows."""
        return Table(self.host, waiting.TABLE)

    @cached_property
    def outbox(self) -> Outbox:
        """What waits."""
        from shared.wiring import build_outbox

        return build_outbox(self.host, self.timing)

    @cached_property
    def dead_table(self) -> Table:
        """The dead letters, as rows."""
        return Table(self.host, dead.TABLE)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """The dead letters."""
        return DeadLetters(self.dead_table, self.log, now=self.timing.now)

    @cached_property
    def settled(self) -> Settled:
        """What is settled without a run of its own."""
        return Settled(self.settled_table, now=self.timing.now)

    @cached_property
    def settled_table(self) -> Table:
        """The same, as rows."""
        return Table(self.host, claims.TABLE)

    @cached_property
    def airflow(self) -> "AirflowClient":
        """Airflow, with the app's log-in, which the operator's role reads from the vault."""
        from shared.airflow.build import build_airflow_client

        return build_airflow_client(
            self.settings, self.origin.settings, self.log, identity=OperatorIdentity()
        )

    def _routes_in_blob(self) -> RouteTable:
        from shared.storage.routes_blob import RoutesBlob

        blob = RoutesBlob(
            self.host.blobs,
            self.settings.routes_blob,
            read=lambda text: read_table(self.settings, text, origin="ROUTES_BLOB"),
            log=self.log,
        )
        try:
            return blob.current()
        except Misconfigured as error:
            msg = (
                f"The routes in {self.settings.routes_blob} are bad: {error} Instances that run keep the "
                "last good ones; one that starts lets all events wait. `routes push FILE` replaces them."
            )
            raise Misconfigured(msg) from error

    def _account(self, prefix: str, services: tuple[str, ...] = ("blob", "queue", "table")) -> StorageAccount:
        try:
            connection = StorageConnection.from_env(self.origin.settings, prefix, services=services)
        except ValueError as error:
            raise Misconfigured(str(error)) from None
        credential = None if connection.connection_string else OperatorIdentity().credential()
        return StorageAccount(connection, threads=_THREADS, credential=credential)
