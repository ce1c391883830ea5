"""The dispatcher, between real queues and an Airflow that does as the test says."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shared.airflow.client import Delivery
from shared.model.errors import (
    AirflowUnclear,
    AirflowUnreachable,
    BlobToDagError,
    DagMissing,
    RunRefused,
    StorageUnavailable,
)
from shared.model.pending import Parked
from shared.model.run_request import RunRequest
from shared.sources.message_body import encode_body
from shared.storage.outbox import QUEUE
from tests.delivery.conftest import Yard
from tests.support.fakes import FakeAirflow
from tests.support.samples import blob_event

pytestmark = pytest.mark.stack


def _park(yard: Yard, *names: str) -> None:
    for name in names:
        event = blob_event(name=name)
        parked = Parked(container=event.container, name=name, event=event, route="default")
        yard.parking.park(parked, delay_seconds=0)


def test_everything_that_is_due_is_delivered_in_one_invocation(yard: Yard) -> None:
    """It goes on while there is work."""
    _park(yard, *(f"{number}.csv" for number in range(70)))

    assert yard.dispatcher().run() == 70
    assert len(yard.airflow.runs) == 70
    assert yard.count() == 0


def test_run_that_fails_waits_in_its_own_message(yard: Yard) -> None:
    """Parked again in place, with its history; the others are delivered."""
    _park(yard, "a", "b")
    yard.airflow.errors = [DagMissing("not yet")]

    yard.dispatcher().run()

    assert len(yard.airflow.runs) == 1
    assert (yard.count(), yard.waiting()) == (1, [])
    assert yard.log.counts["run.parked"] == 1


def test_refused_run_becomes_a_dead_letter_and_its_message_goes(yard: Yard) -> None:
    """Letter first, then the message: a crash in between leaves both."""
    _park(yard, "a")
    yard.airflow.errors = [RunRefused("no")]

    yard.dispatcher().run()

    assert yard.count() == 0
    assert len(yard.letters()) == 1


def test_blob_that_was_only_heard_of_is_looked_at(yard: Yard) -> None:
    """Parked while storage or the settings were of no use."""
    yard.parking.park(Parked(container="landing", name="a"), delay_seconds=0)
    yard.landing.event = blob_event(name="a")

    yard.dispatcher().run()

    assert yard.landing.looks == [("landing", "a")]
    assert len(yard.airflow.runs) == 1
    assert yard.count() == 0


@pytest.mark.parametrize(("error", "left"), [(None, 0), (StorageUnavailable("down"), 1)])
def test_blob_that_is_gone_is_forgotten_but_not_one_that_cannot_be_seen(
    yard: Yard, error: BlobToDagError | None, left: int
) -> None:
    """There is a difference between no blob and no answer."""
    yard.parking.park(Parked(container="landing", name="a"), delay_seconds=0)
    yard.landing.error = error

    yard.dispatcher().run()

    assert yard.count() == left


def test_event_that_no_route_has_seen_yet_gets_a_message_for_each_run_that_waits(yard: Yard) -> None:
    """Its own goes when they are there."""
    event = blob_event()
    yard.parking.park(Parked(container="landing", name=event.name, event=event), delay_seconds=0)
    yard.airflow.errors = [AirflowUnclear("500")]

    yard.dispatcher().run()

    assert (yard.count(), yard.waiting()) == (1, [])
    assert yard.log.counts["run.parked"] == 1


@pytest.mark.parametrize("body", [b"", b"garbage", b"\xff\xfe", b'{"container": 1}', b"[]", b"x" * 49_152])
@pytest.mark.fault("garbage and 48 KiB in the parked queue", airflow="fake")
def test_message_that_nobody_can_read_is_buried_and_stops_nothing(yard: Yard, body: bytes) -> None:
    """No crash loop: kept byte for byte, once."""
    _park(yard, "before")
    yard.account.queues.get_queue_client(QUEUE).send_message(_base64(body))
    _park(yard, "after")

    yard.dispatcher().run()

    assert len(yard.airflow.runs) == 2
    assert yard.count() == 0
    assert list(yard.letters().values()) == [body]


def test_message_that_is_no_base64_is_read_all_the_same(yard: Yard) -> None:
    """Somebody put it there by hand."""
    _park(yard, "make the queue")
    yard.account.queues.get_queue_client(QUEUE).send_message('{"container": "landing", "name": "a"}')
    yard.landing.event = blob_event(name="a")

    yard.dispatcher().run()

    assert len(yard.airflow.runs) == 2


def test_down_airflow_is_probed_every_thirty_seconds_and_no_more(yard: Yard) -> None:
    """Whatever the number of parked events."""
    _park(yard, *(str(number) for number in range(40)))
    yard.airflow.errors = [AirflowUnreachable("down")] * 1_000

    yard.dispatcher().run()

    # Four at once until five in a row have failed (so eight at most), then one each 30 of the 120 seconds.
    assert len(yard.airflow.calls) <= 8 + 120 // 30
    assert yard.count() == 40
    assert max(yard.clock.slept) <= 30


def test_events_flow_within_the_probe_interval_once_airflow_is_back(yard: Yard) -> None:
    """The same invocation goes on: nobody waits for the next tick."""
    back_at = yard.clock.now + 70
    first: list[float] = []

    class ReturningAirflow(FakeAirflow):
        def trigger(self, run: RunRequest) -> Delivery:
            if yard.clock.now < back_at:
                msg = "down"
                raise AirflowUnreachable(msg)
            first.append(yard.clock.now)
            return super().trigger(run)

    yard.airflow = ReturningAirflow()
    yard.__post_init__()
    _park(yard, *(str(number) for number in range(40)))

    yard.dispatcher().run()

    assert min(first) - back_at <= 30
    # Those that were tried in between are hidden for half a minute of Azurite's time, which does not move.
    assert len(yard.airflow.runs) >= 40 - 8 - 4


@pytest.mark.fault("two dispatchers at once", airflow="fake")
def test_two_dispatchers_at_once_deliver_each_event_once(yard: Yard) -> None:
    """A lost lock of the timer does no harm."""
    _park(yard, *(str(number) for number in range(60)))
    barrier = threading.Barrier(2)

    def run() -> int:
        barrier.wait(5)
        return yard.dispatcher().run()

    with ThreadPoolExecutor(2) as pool:
        taken = [job.result(60) for job in [pool.submit(run), pool.submit(run)]]

    assert sum(taken) == 60
    assert len(yard.airflow.calls) == len(yard.airflow.runs) == 60
    assert yard.count() == 0


def test_bug_in_one_delivery_leaves_its_message_and_stops_nothing(yard: Yard) -> None:
    """It comes again when its visibility ends."""

    class BuggyAirflow(FakeAirflow):
        def trigger(self, run: RunRequest) -> Delivery:
            if run.conf["filename"] == "bug":
                msg = "division by zero"
                raise ZeroDivisionError(msg)
            return super().trigger(run)

    yard.airflow = BuggyAirflow()
    yard.__post_init__()
    _park(yard, "a", "bug", "b")

    yard.dispatcher().run()

    assert len(yard.airflow.runs) == 2
    assert yard.count() == 1
    assert yard.log.counts["dispatcher.failed"] == 1


def test_rate_is_kept_while_draining(yard: Yard) -> None:
    """Twelve a minute are twenty-four in the two minutes that it goes on."""
    yard.caps["max_runs_per_minute"] = 12
    _park(yard, *(str(number) for number in range(60)))

    yard.dispatcher().run()

    assert 22 <= len(yard.airflow.runs) <= 24
    assert yard.count() == 60 - len(yard.airflow.runs)


def test_runs_that_wait_in_airflow_hold_the_rest_back(yard: Yard) -> None:
    """No more than the cap."""
    yard.caps["max_queued_runs"] = 25
    yard.airflow.waiting = 5
    _park(yard, *(str(number) for number in range(60)))

    dispatcher = yard.dispatcher(timing=replace(yard.clock.timing, dispatch_seconds=9.0))
    dispatcher.run()

    assert len(yard.airflow.runs) == 20
    assert len(yard.waiting()) == 32


def test_airflow_that_cannot_say_how_many_wait_is_found_down_by_the_deliveries(yard: Yard) -> None:
    """The breaker counts them as any other failure; nothing is lost."""

    class SilentAirflow(FakeAirflow):
        def waiting_runs(self, dag_id: str | None = None) -> int:
            msg = "down"
            raise AirflowUnreachable(msg)

    yard.airflow = SilentAirflow()
    yard.caps["max_queued_runs"] = 5
    yard.__post_init__()
    _park(yard, *(str(number) for number in range(10)))

    yard.dispatcher().run()

    assert yard.airflow.calls == []
    assert yard.count() == 10
    assert yard.log.counts["breaker.open"] == 1


def test_time_that_is_up_ends_it_with_work_left(yard: Yard) -> None:
    """The function must end before its time-out; the next tick goes on."""
    _park(yard, *(str(number) for number in range(10)))

    assert yard.dispatcher(timing=replace(yard.clock.timing, dispatch_seconds=0.0)).run() == 0
    assert len(yard.waiting()) == 10


def test_storage_that_fails_in_the_middle_leaves_the_message(yard: Yard) -> None:
    """It is seen again when its visibility ends."""
    event = blob_event(metadata={"k": "v" * 8_100})
    parked = Parked(container=event.container, name=event.name, event=event, route="default")
    yard.parking.park(parked, delay_seconds=0)
    yard.landing.error = StorageUnavailable("down")

    yard.dispatcher().run()

    assert yard.count() == 1
    assert yard.log.counts["dispatcher.storage_failed"] == 1


def test_facts_that_did_not_fit_are_read_again(yard: Yard) -> None:
    """Metadata may be larger than a message."""
    event = blob_event(metadata={"k": "v" * 8_100})
    parked = Parked(container=event.container, name=event.name, event=event, route="default")
    yard.parking.park(parked, delay_seconds=0)
    yard.landing.event = event

    yard.dispatcher().run()

    [run] = yard.airflow.runs.values()
    assert run.conf["metadata"] == {"k": "v" * 8_100}


def test_facts_of_a_newer_version_stay_out_of_an_older_ones_conf(yard: Yard) -> None:
    """It is delivered with what is known of it, and the log says so."""
    event = blob_event(metadata={"k": "v" * 8_100})
    parked = Parked(container=event.container, name=event.name, event=event, route="default")
    yard.parking.park(parked, delay_seconds=0)
    yard.landing.event = blob_event(etag="newer", metadata={"k": "new"})

    yard.dispatcher().run()

    [run] = yard.airflow.runs.values()
    assert "metadata" not in run.conf
    assert run.conf["etag"] == event.etag
    assert yard.log.counts["conf.cut"] == 1


def _base64(body: bytes) -> str:
    return base64.b64encode(body).decode()


def test_encoding_is_the_hosts(yard: Yard) -> None:
    """Base64, which queue triggers read by default."""
    assert _base64("ü".encode()) == encode_body("ü")
