"""`send`: one file by hand, as if it had just landed; or once more, with a run id of its own."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from operate.desk import Desk
from operate.files import pending_of
from shared.airflow.client import Delivery
from shared.model.batch import Batch
from shared.model.blob_event import BlobEvent
from shared.model.errors import AirflowUnclear, RetryableError
from shared.model.pending import Pending
from shared.model.run_id import AGAIN
from shared.model.run_request import RunRequest
from shared.storage.outbox import row_key
from shared.storage.tables import Entity, Table

REASON = "sent_by_hand"
"""Of a row that a person has written; the next failure writes another one."""

_MOST_AGAIN = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of one run of the file.

    Attributes:
        run_id: Of the run.
        lane: `route -> DAG`.
        is_sent: Whether it is on its way, or there, because of this.
        is_settled: Whether nothing is left to do.
        note: What was done, or why not.
    """

    run_id: str
    lane: str
    is_sent: bool
    is_settled: bool
    note: str


def send(desk: Desk, event: BlobEvent, run: RunRequest, *, who: str, dry_run: bool) -> Sent:
    """Write the run of a file to the outbox, unless it was delivered, waits, or is dead already.

    Raises:
        RetryableError: Airflow, or a table, does not answer: nothing was written.
    """
    pending = pending_of(event, run)
    # What its route requires is awaited, and missed, in a lane of its own.
    places = [pending, replace(pending, lane=run.entry_lane)]
    if state := desk.airflow.find(run.dag_id, run.run_id):
        return _left(run, f"delivered already ({state}); `--again` starts another run", is_settled=True)
    if claim := desk.settled.find(event, pending.lane):
        said = f"{claim.get('reason')} {claim.get('run_id') or claim.get('who') or ''}".rstrip()
        return _left(run, f"settled already ({said}); `--again` starts a run all the same", is_settled=True)
    if letter := _first(desk.dead_table, places):
        replay = f"dead replay --prefix {shlex.quote(event.path)}"
        return _left(run, f"dead ({letter.get('reason')}): repair it, then `{replay}`")
    if row := _first(desk.outbox_table, places):
        return _left(run, f"waits already ({row.get('reason')}); `waiting retry` lets it try at once")
    if not dry_run:
        desk.outbox.park(replace(pending, lane=run.entry_lane, reason=REASON, message=f"Sent by {who}."))
    sends = "with its batch" if run.batch is not None else "within half a minute"
    note = "would be sent" if dry_run else f"in the outbox; the app sends it {sends}"
    return Sent(run_id=run.run_id, lane=str(pending.lane), is_sent=True, is_settled=True, note=note)


def send_again(desk: Desk, event: BlobEvent, run: RunRequest, *, dry_run: bool) -> Sent:
    """Start one more run of a file at once, with a number behind its run id.

    Not through the outbox, whose rows have the run ids of their versions. The number is the first that
    Airflow has no run of, so one that may have been created is never sent under another number by itself.
    Where its route makes batches, it is one of this file alone.

    Raises:
        BlobToDagError: It was not started; of AirflowUnclear it may have been.
    """
    if run.batch is not None:
        run = run.with_batch(Batch.of([event], key=run.batch, part=1), run.run_id)
    again = next(each for each in _again(run) if desk.airflow.find(run.dag_id, each.run_id) is None)
    lane = str(run.lane)
    if dry_run:
        return Sent(run_id=again.run_id, lane=lane, is_sent=True, is_settled=True, note="would be started")
    try:
        delivery = desk.airflow.trigger(again)
    except (RetryableError, KeyboardInterrupt) as error:
        if isinstance(error, RetryableError) and not error.may_have_been_sent:
            raise
        said = str(error) or "Interrupted."
        msg = f"{said} The run {again.run_id} may be there: look with `trace` before you repeat this."
        raise AirflowUnclear(msg) from error
    note = "started" if delivery is Delivery.CREATED else "somebody has started it at the same time"
    return Sent(run_id=again.run_id, lane=lane, is_sent=True, is_settled=True, note=note)


def _first(table: Table, places: Sequence[Pending]) -> Entity | None:
    found = (table.get(place.lane.key, row_key(place, unique="")) for place in places)
    return next((row for row in found if row), None)


def _again(run: RunRequest) -> Iterator[RunRequest]:
    for number in range(1, _MOST_AGAIN):
        yield replace(run, run_id=f"{run.run_id}{AGAIN}{number}")


def _left(run: RunRequest, note: str, *, is_settled: bool = False) -> Sent:
    lane = str(run.lane)
    return Sent(run_id=run.run_id, lane=lane, is_sent=False, is_settled=is_settled, note=note)
