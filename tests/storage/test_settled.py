"""Claims, in memory and in Azurite: versions that are settled without a run id of their own."""

from datetime import timedelta

import pytest

from shared.model.lane import Lane, LaneKind, version_digest
from shared.storage.settled import KEPT, ROUTES, Claim, Settled, keys_of
from shared.storage.tables import Table, Written
from tests.storage.conftest import before
from tests.support.clock import START, FakeClock
from tests.support.samples import blob_event

LANE = Lane(route_id="orders", dag_id="load_orders")
EVENT = blob_event(name="a.csv", event_time=START)
DROPPED = Claim(event=EVENT, lane=LANE, reason="dropped", who="ann", why="a test file")
MANY = [
    Claim(event=blob_event(name=f"{number}.csv", event_time=START), lane=LANE, reason="batch", run_id="b")
    for number in range(250)
]


@pytest.fixture
def settled(table: Table, clock: FakeClock) -> Settled:
    """Return the claims."""
    return Settled(table, now=clock.time)


def test_claim_says_what_became_of_a_version_and_by_whom(settled: Settled) -> None:
    """For people who ask, and for the reconciler."""
    assert settled.claim(DROPPED)

    found = settled.find(EVENT, LANE)
    assert found == {
        **keys_of(EVENT, LANE),
        "container": "landing",
        "name": "a.csv",
        "etag": EVENT.etag,
        "route": "orders",
        "dag_id": "load_orders",
        "reason": "dropped",
        "who": "ann",
        "why": "a test file",
        "settled_at": START,
    }


def test_keys_are_the_day_of_the_event_the_route_and_the_version() -> None:
    """The same whichever source reports the version, and whichever DAG its route names by now."""
    zone = START.astimezone().tzinfo
    other = blob_event(name="a.csv", event_time=START.astimezone(zone), sequencer="1")

    keys = keys_of(EVENT, LANE)

    assert keys["PartitionKey"] == "2026-11-20." + Lane(route_id="orders", dag_id="").key
    assert keys["RowKey"] == version_digest(EVENT, route_id="orders")
    assert keys == keys_of(other, Lane(route_id="orders", dag_id="another"))
    assert keys != keys_of(EVENT, Lane(route_id="returns", dag_id="load_orders"))


def test_first_claim_of_a_version_stays(settled: Settled) -> None:
    """A second one must not take a file out of the batch that it ran in."""
    assert settled.claim(Claim(event=EVENT, lane=LANE, reason="batch", run_id="first"))
    assert not settled.claim(DROPPED)

    settled.claim_all([DROPPED])

    found = settled.find(EVENT, LANE)
    assert found
    assert (found["reason"], found["run_id"]) == ("batch", "first")


def test_claim_that_counts_more_replaces_the_first(settled: Settled) -> None:
    """A person drops a batch as a whole, whose files have their claims already."""
    settled.claim(Claim(event=EVENT, lane=LANE, reason="batch", run_id="first"))

    settled.claim_all([DROPPED], anew=True)

    found = settled.find(EVENT, LANE)
    assert found
    assert found["reason"] == "dropped"


def test_key_of_a_batch_is_no_part_of_its_claims() -> None:
    """A route may make its batches by something else tomorrow; a file is in one run all the same."""
    lanes = [
        Lane(route_id="r", dag_id="d", group=group, kind=LaneKind.BATCH) for group in ("day=1", "day=2", "")
    ]

    assert len({keys_of(EVENT, lane)["PartitionKey"] for lane in lanes}) == 1
    assert (
        keys_of(EVENT, lanes[0])["PartitionKey"]
        == keys_of(EVENT, Lane(route_id="r", dag_id="d"))["PartitionKey"]
    )


@pytest.mark.parametrize("count", [3, 60], ids=["few", "many"])
def test_claimed_versions_are_found_among_others(settled: Settled, count: int) -> None:
    """Of several days."""
    events = [
        blob_event(name=f"{number}.csv", event_time=START + timedelta(days=number % 2))
        for number in range(count)
    ]
    settled.claim_all(Claim(event=event, lane=LANE, reason="batch", run_id="b") for event in events[::3])

    found = settled.claimed(events, LANE)

    assert found == {version_digest(event, route_id="orders") for event in events[::3]}


def test_version_that_is_not_settled_is_not_found(settled: Settled) -> None:
    """Another version of the blob, another route, and before there is a table."""
    assert settled.find(EVENT, LANE) is None

    settled.claim(DROPPED)

    assert settled.find(blob_event(name="a.csv", event_time=START, etag="other"), LANE) is None
    assert settled.find(EVENT, Lane(route_id="returns", dag_id="load_orders")) is None


def test_many_claims_are_written_whatever_is_there_already(settled: Settled, table: Table) -> None:
    """Those of a drain that died, and a version that is named twice."""
    settled.claim_all(MANY[40:60])
    another_day = Claim(event=blob_event(event_time=START + timedelta(days=1)), lane=LANE, reason="batch")

    settled.claim_all([*MANY, MANY[0], another_day])

    partition = keys_of(EVENT, LANE)["PartitionKey"]
    assert settled.row_keys(partition) == {claim.keys["RowKey"] for claim in MANY}
    assert settled.find(another_day.event, LANE)


def test_claims_older_than_two_weeks_are_swept(settled: Settled, clock: FakeClock) -> None:
    """By when they were settled: a backfill brings events of long ago."""
    settled.claim_all(MANY[:120])
    clock.now += (KEPT - timedelta(days=1)).total_seconds()
    settled.claim(MANY[120])
    settled.claim(Claim(event=blob_event(name="new", event_time=clock.time()), lane=LANE, reason="batch"))
    partition = keys_of(EVENT, LANE)["PartitionKey"]

    assert settled.sweep(most=1_000)
    assert len(settled.row_keys(partition)) == 121

    clock.now += timedelta(days=2).total_seconds()
    assert settled.sweep(most=1_000)
    assert settled.row_keys(partition) == {MANY[120].keys["RowKey"]}
    assert settled.find(blob_event(name="new", event_time=START + KEPT - timedelta(days=1)), LANE)


def test_sweep_stops_when_it_has_deleted_enough(settled: Settled, clock: FakeClock) -> None:
    """The next tick goes on."""
    another_day = START - timedelta(days=3)
    old = [Claim(event=blob_event(event_time=another_day), lane=LANE, reason="batch"), *MANY[:5]]
    settled.claim_all(old)
    clock.now += (KEPT + timedelta(days=1)).total_seconds()

    assert not settled.sweep(most=1)
    assert len(settled.row_keys(keys_of(EVENT, LANE)["PartitionKey"])) == 5
    assert not settled.sweep(most=1)
    assert settled.sweep(most=1)


def test_route_is_seen_first_once(settled: Settled, clock: FakeClock) -> None:
    """Its time stays, whoever asks later, and is never swept."""
    assert settled.first_seen(["orders"]) == {"orders": START}

    clock.now += timedelta(days=100).total_seconds()
    settled.sweep(most=1_000)

    assert settled.first_seen(["orders", "returns"]) == {"orders": START, "returns": clock.time()}


def test_instance_that_sees_a_route_a_moment_earlier_is_right(settled: Settled, table: Table) -> None:
    """Both then go by the same time."""
    earlier = {"PartitionKey": ROUTES, "RowKey": "orders", "seen_at": START - timedelta(seconds=1)}
    insert = table.insert

    def first() -> Written:
        return insert(earlier)

    before(table, "insert", first)

    assert settled.first_seen(["orders"]) == {"orders": START - timedelta(seconds=1)}
