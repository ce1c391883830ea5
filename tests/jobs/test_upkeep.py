"""What the dispatcher does once a day beside draining."""

from datetime import timedelta

from shared.event_log import EventLog
from shared.jobs.upkeep import Upkeep
from shared.model.errors import StorageUnavailable
from shared.storage.settled import ROUTES, Claim, Settled
from shared.storage.tables import Entity
from tests.support.clock import FakeClock
from tests.support.fakes import routes
from tests.support.harness import DEFAULT
from tests.support.samples import blob_event
from tests.support.table import MemoryTable


class _Instance:
    def __init__(self) -> None:
        self.table = MemoryTable()
        self.clock = FakeClock()
        self.log = EventLog()
        self.settled = Settled(self.table, now=self.clock.time)
        self.upkeep = Upkeep(settled=self.settled, routes=routes(), log=self.log, timing=self.clock.timing())


def test_routes_are_noted_and_old_claims_swept_once_a_day() -> None:
    """Two requests at the first tick, then none until a day later."""
    instance = _Instance()
    instance.settled.claim(
        Claim(event=blob_event(event_time=instance.clock.time()), lane=DEFAULT, reason="x")
    )

    for _ in range(100):
        instance.upkeep.run()

    assert instance.table.rows[ROUTES, "default"]["seen_at"] == instance.clock.time()
    operations = len(instance.table.operations)
    assert operations < 10
    instance.clock.now += timedelta(days=15).total_seconds()
    instance.upkeep.run()
    instance.clock.now += 1
    instance.upkeep.run()
    assert set(instance.table.rows) == {(ROUTES, "default")}


def test_upkeep_that_fails_is_tried_at_the_next_tick() -> None:
    """The outbox is drained all the same."""
    instance = _Instance()

    def down(_operation: str, _entity: Entity | None) -> None:
        msg = "down"
        raise StorageUnavailable(msg)

    instance.table.faults.append(down)
    instance.upkeep.run()
    instance.table.faults.clear()
    instance.upkeep.run()

    assert instance.log.counts == {"upkeep.failed": 1}
    assert (ROUTES, "default") in instance.table.rows
