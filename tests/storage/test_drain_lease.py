"""The lease on Azurite: one drain at a time, and what it tells the next one."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.storage.blob import BlobClient

from shared.model.errors import StorageUnavailable
from shared.storage.accounts import StorageAccount
from shared.storage.drain_lease import CONTAINER, DrainLease, Handover
from tests.storage.conftest import account_of
from tests.support.clock import START
from tests.support.storage_server import Reply, StorageServer

_SOON = 0.05


@pytest.fixture
def lease(account: StorageAccount) -> DrainLease:
    """Return a lease that is renewed often."""
    return DrainLease(account.blobs, renewal_seconds=_SOON)


@pytest.fixture
def other(account: StorageAccount) -> DrainLease:
    """Return the same lease as another instance has it."""
    return DrainLease(account.blobs, renewal_seconds=_SOON)


@pytest.fixture
def blob(account: StorageAccount) -> BlobClient:
    """Return the blob that the lease is on."""
    return account.blobs.get_blob_client(CONTAINER, "drain")


def refused_with(code: str, status: int) -> Reply:
    """Return an answer of the blob service."""
    return Reply(status=status, headers={"x_ms_error_code": code})


@pytest.mark.stack
def test_container_and_blob_are_made_with_the_first_drain(lease: DrainLease) -> None:
    """A fresh deployment needs no step by hand; nothing was left there."""
    with lease.hold() as handover:
        assert handover is not None
        assert (handover.last_lane, handover.next_free, handover.lost.is_set()) == ("", {}, False)


@pytest.mark.stack
def test_lease_has_one_holder(lease: DrainLease, other: DrainLease) -> None:
    """The second drain is refused while the first goes on, however long that takes, and has it after that."""
    with lease.hold() as first:
        assert first is not None
        with other.hold() as second:
            assert second is None
        assert not first.lost.wait(4 * _SOON)

    with other.hold() as second:
        assert second is not None


@pytest.mark.stack
def test_lease_of_many_at_once_has_one_holder(account: StorageAccount) -> None:
    """The first outage makes all instances drain, and none of them finds the blob."""
    together = threading.Barrier(8)
    tried = threading.Barrier(8)

    def drain(_: int) -> bool:
        lease = DrainLease(account.blobs)
        together.wait(30)
        with lease.hold() as handover:
            tried.wait(30)
            return handover is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(drain, range(8))) == 1


@pytest.mark.stack
def test_lease_ends_with_a_drain_that_fails(lease: DrainLease, other: DrainLease) -> None:
    """And what it learned is handed on all the same."""

    def drain() -> None:
        with lease.hold() as handover:
            assert handover is not None
            handover.last_lane = "a"
            raise KeyError

    with pytest.raises(KeyError):
        drain()

    with other.hold() as second:
        assert second is not None
        assert second.last_lane == "a"


@pytest.mark.stack
def test_lease_of_a_holder_that_died_ends_by_itself(lease: DrainLease, blob: BlobClient) -> None:
    """It is not for ever: 15 s, the shortest that storage has."""
    for _ in ("where the blob is made", "where it is there"):
        with lease.hold():
            assert blob.get_blob_properties().lease.duration == "fixed"


@pytest.mark.stack
def test_holder_notices_that_the_lease_is_lost(
    lease: DrainLease, other: DrainLease, blob: BlobClient
) -> None:
    """It slept too long: it stops, and does not overwrite what the new holder hands on."""
    with ExitStack() as late:
        first = late.enter_context(lease.hold())
        assert first is not None
        first.last_lane = "old"
        _break(blob)
        with other.hold() as second:
            assert second is not None
            second.last_lane = "new"
            assert first.lost.wait(5)

    with other.hold() as third:
        assert third is not None
        assert third.last_lane == "new"


@pytest.mark.stack
def test_what_one_drain_learned_is_told_to_the_next(lease: DrainLease, other: DrainLease) -> None:
    """Each cap's next free time, to the millisecond, and the lane that was served last."""
    caps = {"*": START + timedelta(milliseconds=123), "größe/😀": START - timedelta(days=1)}
    with lease.hold() as first:
        assert first is not None
        first.last_lane, first.next_free = "orders.copy_file~0", caps

    with other.hold() as second:
        assert second is not None
        assert (second.last_lane, second.next_free) == ("orders.copy_file~0", caps)


@pytest.mark.stack
def test_lane_that_a_person_made_is_told_to_the_next(lease: DrainLease, other: DrainLease) -> None:
    """Partition keys of rows made by hand may be anything; a header may not."""
    for lane in ("größe 😀 \u2028", " ", "x" * 512):
        with lease.hold() as first:
            assert first is not None
            first.last_lane = lane
        with other.hold() as second:
            assert second is not None
            assert second.last_lane == lane


@pytest.mark.stack
def test_caps_that_wait_longest_are_told_where_there_are_too_many(
    lease: DrainLease, blob: BlobClient
) -> None:
    """Metadata holds 8 KiB, in Azure and not in Azurite."""
    with lease.hold() as first:
        assert first is not None
        first.last_lane = "x" * 113
        first.next_free = {f"{number:063}": START + timedelta(seconds=number) for number in range(300)}

    stored = blob.get_blob_properties().metadata or {}
    with lease.hold() as second:
        assert second is not None
        assert list(second.next_free) == [f"{number:063}" for number in range(299, 224, -1)]
    assert sum(len(name) + len(value) for name, value in stored.items()) < 8 * 1024


EDITED = [
    {}, {"handover": ""}, {"handover": "{"}, {"handover": "[" * 5_000}, {"handover": "null"},
    {"handover": "[]"}, {"handover": '{"last_lane": null}'}, {"handover": '{"last_lane": "a"}'},
    {"other": "x"},
    *(
        {"handover": f'{{"last_lane": "a", "next_free": {value}}}'}
        for value in (
            "null", "[]", "7", '{"*": NaN}', '{"*": 1e300}', '{"*": -1e300}', '{"*": Infinity}',
            '{"*": "soon"}', '{"*": null}', '{"*": [1]}', '{"*": 1e15}', '{"*": 1e18}',
        )
    ),
]  # fmt: skip


@pytest.mark.stack
def test_handover_edited_by_hand_is_passed_over(lease: DrainLease, blob: BlobClient) -> None:
    """It costs a little pace, never a drain."""
    for handover in _all_read(lease, blob, EDITED):
        assert handover.last_lane in {"", "a", "None"}
        assert handover.next_free == {}


@pytest.mark.stack
def test_handover_of_a_newer_version_is_read(lease: DrainLease, blob: BlobClient) -> None:
    """What it does not know is passed over."""
    newer = {"handover": '{"last_lane": "a", "next_free": {"*": 0}, "news": 1}'}

    [handover] = _all_read(lease, blob, [newer])

    assert (handover.last_lane, handover.next_free) == ("a", {"*": datetime(1970, 1, 1, tzinfo=UTC)})


def test_storage_that_is_down_is_an_error_that_says_so() -> None:
    """Neither had nor refused: the dispatcher says so once a tick."""
    lease = DrainLease(account_of(StorageServer(port=1).connection_string).blobs)

    with pytest.raises(StorageUnavailable, match="cannot be reached"), lease.hold():
        pytest.fail("nobody has it")


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "AuthorizationPermissionMismatch"), (409, "ContainerBeingDeleted"), (404, "ContainerNotFound")],
)
def test_lease_that_is_refused_is_not_somebody_else_s(service: StorageServer, status: int, code: str) -> None:
    """Or nothing would ever be drained, and nobody would know."""
    service.answer = lambda *_: refused_with(code, status)
    lease = DrainLease(account_of(service.connection_string).blobs)

    with pytest.raises(StorageUnavailable, match=f"{status} {code}"), lease.hold():
        pytest.fail("nobody has it")


@pytest.mark.parametrize(
    ("status", "code"),
    [(409, "LeaseAlreadyPresent"), (409, "LeaseIsBreakingAndCannotBeAcquired"), (412, "LeaseIdMissing")],
)
def test_lease_of_somebody_else_is_none(service: StorageServer, status: int, code: str) -> None:
    """Held, just being broken by a person, or had while this instance was making the blob."""
    service.answer = lambda *_: refused_with(code, status)

    with DrainLease(account_of(service.connection_string).blobs).hold() as handover:
        assert handover is None


def test_lease_that_cannot_be_read_or_ended_is_no_error(service: StorageServer) -> None:
    """The drain goes on with an empty handover, and the lease ends by itself."""

    def answer(method: str, path: str) -> Reply:
        if method == "PUT" and "comp=lease" in path and not service.asked[1:]:
            return Reply(status=201, headers={"x_ms_lease_id": "1", "ETag": "1"})
        return refused_with("AuthenticationFailed", 403)

    service.answer = answer
    lease = DrainLease(account_of(service.connection_string).blobs)

    with lease.hold() as handover:
        assert handover == Handover(lost=handover.lost) if handover else False
    assert len(service.asked) == 4


def _all_read(lease: DrainLease, blob: BlobClient, edits: list[dict[str, Any]]) -> Iterator[Handover]:
    """Return what the lease reads after each edit."""
    with lease.hold():
        pass
    for metadata in edits:
        blob.set_blob_metadata(metadata)
        with lease.hold() as handover:
            assert handover is not None
            yield handover


def _break(blob: BlobClient) -> None:
    """End the lease, as its time would."""
    from azure.storage.blob import BlobLeaseClient  # noqa: PLC0415

    BlobLeaseClient(blob).break_lease(lease_break_period=0)
