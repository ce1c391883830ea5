"""`Status`: one look at everything: what waits, is on hold or dead, and whether Airflow answers."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from operate.advice import EXPECTED, READ_SECRETS, READ_TABLES, explained
from operate.azure_cli import OperatorIdentity
from operate.desk import Desk
from shared.airflow.key_vault import open_vault
from shared.model.hold import LaneState
from shared.model.lane import EVERYTHING, NEW, is_row
from shared.storage.tables import Entity, Table

MOST_COUNTED = 1_000
"""Rows that are counted of one lane, and of the dead letters, unless all are asked for: one request."""

_COLUMNS = ["PartitionKey", "RowKey", "route", "dag_id", "reason", "parked_at", "died_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many rows there are.

    Attributes:
        count: Of those that were counted.
        is_more: Whether there may be more.
        oldest: The earliest time among them.
        reasons: By reason.
    """

    count: int = 0
    is_more: bool = False
    oldest: datetime | None = None
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneStatus:
    """What waits in one lane, and why."""

    route: str
    dag_id: str
    waiting: Tally
    state: LaneState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AirflowStatus:
    """Whether Airflow answers, and takes the log-in."""

    address: str
    version: str = ""
    api: str = ""
    is_logged_in: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything that could be asked, and what could not.

    Attributes:
        app: Which app.
        routes: Names of its routes; None where they are unusable.
        routes_from: Where they are read from.
        everything: The hold on everything, if there is one.
        lanes: Those with rows or a state; None where the outbox cannot be read.
        dead: The dead letters; None where they cannot be read.
        airflow: None where the settings do not say where it is.
        vault: The secret that is read; empty without a vault, None where it cannot be read.
        faults: By part, why it could not be asked, or is unusable.
    """

    app: str
    routes: tuple[str, ...] | None
    routes_from: str
    everything: LaneState | None
    lanes: tuple[LaneStatus, ...] | None
    dead: Tally | None
    airflow: AirflowStatus | None
    vault: str | None
    faults: Mapping[str, str]

    @property
    def needs_attention(self) -> bool:
        """Whether something waits for a person: a dead letter, or a hold of any kind."""
        held = [self.everything, *(lane.state for lane in self.lanes or ())]
        return bool((self.dead and self.dead.count) or any(state and state.is_held for state in held))


def look(desk: Desk, *, exact: bool = False) -> Status:
    """Ask every part for itself; one that does not answer leaves the others alone."""
    faults: dict[str, str] = {}

    def ask[T](part: str, question: Callable[[], T], role: str = READ_TABLES) -> T | None:
        try:
            return question()
        except EXPECTED as error:
            faults[part] = explained(error, desk, role=role)
            return None

    routes = ask("routes", lambda: tuple(route.name for route in desk.routes.routes))
    lanes = ask("outbox", lambda: list(_lanes(desk, exact=exact)))
    everything = next((lane.state for lane in lanes or () if _is_everything(lane)), None)
    airflow = ask("settings", lambda: AirflowStatus(address=desk.settings.airflow_base_url))
    if airflow:
        airflow = ask("airflow", lambda: _airflow(desk)) or airflow
    return Status(
        app=desk.origin.title,
        routes=routes,
        routes_from=desk.routes_from if airflow else "",
        everything=everything,
        lanes=None if lanes is None else tuple(lane for lane in lanes if not _is_everything(lane)),
        dead=ask("dead letters", lambda: tally(desk.dead_table.scan(columns=_COLUMNS), exact=exact)),
        airflow=airflow,
        vault=ask("vault", lambda: read_vault(desk), READ_SECRETS) if airflow else None,
        faults=faults,
    )


def tally(rows: Iterable[Entity], *, exact: bool = False) -> Tally:
    """Count rows by reason: the first thousand, or all."""
    reasons: Counter[str] = Counter()
    oldest: datetime | None = None
    rows = iter(rows)
    for row in rows if exact else islice(rows, MOST_COUNTED):
        reasons[str(row.get("reason") or "")] += 1
        moment = row.get("died_at") or row.get("parked_at")
        if isinstance(moment, datetime) and (oldest is None or moment < oldest):
            oldest = moment
    is_more = not exact and next(rows, None) is not None
    return Tally(count=reasons.total(), is_more=is_more, oldest=oldest, reasons=dict(reasons))


def _lanes(desk: Desk, *, exact: bool) -> Iterator[LaneStatus]:
    for head in desk.outbox.lanes():
        rows = _rows(desk.outbox_table, head.partition)
        route, dag_id = "", ""
        first = next(rows, None)
        if head.state:
            route, dag_id = head.state.lane.route_id, head.state.lane.dag_id
        if first is not None:
            route, dag_id = str(first.get("route") or route), str(first.get("dag_id") or dag_id)
        counted = tally(_chained(first, rows), exact=exact)
        yield LaneStatus(route=route, dag_id=dag_id, waiting=counted, state=head.state)


def _rows(table: Table, partition: str) -> Iterator[Entity]:
    return (row for row in table.scan(partition, columns=_COLUMNS) if is_row(row["RowKey"]))


def _chained(first: Entity | None, rest: Iterator[Entity]) -> Iterator[Entity]:
    if first is not None:
        yield first
        yield from rest


def _is_everything(lane: LaneStatus) -> bool:
    return lane.state is not None and lane.state.partition == EVERYTHING.key


def lane_name(lane: LaneStatus) -> str:
    """Return a lane for people."""
    return f"{lane.route} -> {lane.dag_id}" if lane.route else str(NEW)


def _airflow(desk: Desk) -> AirflowStatus:
    version = desk.airflow.version()
    api = desk.airflow.api
    address = desk.settings.airflow_base_url
    desk.airflow.check_log_in()
    return AirflowStatus(address=address, version=version, api=api, is_logged_in=True)


def read_vault(desk: Desk) -> str:
    """Read the secret and forget it: that the operator may is what counts."""
    settings = desk.settings
    if not settings.key_vault_uri:
        return ""
    client = open_vault(settings.key_vault_uri, OperatorIdentity())
    version = client.get_secret(settings.airflow_credential_secret).properties.version
    return f"{settings.airflow_credential_secret}, version {version}"
