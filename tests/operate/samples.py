"""Rows that the tests of the command line work on, written as the app writes them."""

from datetime import UTC, datetime, timedelta

from operate.desk import Desk
from shared.model.errors import DagMissing, PermanentError, RunRefused
from shared.model.lane import Lane
from shared.model.pending import Pending
from shared.model.run_id import run_id
from tests.support.samples import blob_event

LANE = Lane(route_id="default", dag_id="copy_file")
EARLIER = datetime.now(UTC) - timedelta(hours=2)


def pending(name: str, *, lane: Lane = LANE, account: str = "acct") -> Pending:
    """Return an event of a route, two hours old."""
    event = blob_event(name=name, event_time=EARLIER, account=account)
    return Pending(
        container=event.container,
        name=name,
        event=event,
        lane=lane,
        run_id=run_id(event, route=lane.route_id),
        parked_at=EARLIER,
    )


def wait(desk: Desk, *names: str, lane: Lane = LANE) -> None:
    """Let events wait for a DAG that is missing, with their lane on hold."""
    error = DagMissing(f"Airflow has no DAG {lane.dag_id!a}.")
    for name in names:
        desk.outbox.park(pending(name, lane=lane).after(error, now=EARLIER))
    desk.outbox.hold(lane, error)


def die(desk: Desk, *names: str, lane: Lane = LANE, error: PermanentError | None = None) -> None:
    """Let events die."""
    for name in names:
        desk.dead_letters.add(pending(name, lane=lane), error or RunRefused("params: day is missing"))
