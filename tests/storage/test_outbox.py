"""The queue of parked events, on a real Azurite."""

from datetime import timedelta

import pytest

from local.azurite import ACCOUNT_KEY
from shared.config.storage_connection import StorageConnection
from shared.model.errors import StorageUnavailable
from shared.model.pending import Parked, read_parked
from shared.storage.accounts import StorageAccount
from shared.storage.outbox import QUEUE, Parking, Ticket
from tests.delivery.conftest import Yard

pytestmark = pytest.mark.stack

PARKED = Parked(container="landing", name="ü 😀 <&>.csv")


def test_parked_event_never_expires_and_makes_its_queue(yard: Yard) -> None:
    """The first park on a new account creates the queue; the default of seven days would lose events."""
    yard.parking.park(PARKED, delay_seconds=0)

    [message] = yard.account.queues.get_queue_client(QUEUE).peek_messages()
    assert message.expires_on is not None
    assert message.expires_on.year > 9_000
    assert yard.waiting() == [PARKED]


def test_parked_event_is_hidden_until_its_delay_is_over(yard: Yard) -> None:
    """And counted all the same."""
    yard.parking.park(PARKED, delay_seconds=3_600)

    assert yard.parking.receive(32) == []
    assert not yard.parking.has_due()
    assert yard.count() == 1


def test_received_message_is_ours_alone(yard: Yard) -> None:
    """A second receiver sees nothing."""
    yard.parking.park(PARKED, delay_seconds=0)

    [ticket] = yard.parking.receive(32)

    assert read_parked(ticket.body.decode()) == PARKED
    assert timedelta(0) <= ticket.age < timedelta(minutes=1)
    assert yard.parking.receive(32) == []


def test_parking_again_changes_the_message_in_place(yard: Yard) -> None:
    """One message stays one message; its age goes on."""
    yard.parking.park(PARKED, delay_seconds=0)
    [ticket] = yard.parking.receive(1)

    yard.parking.park_again(ticket, Parked(container="landing", name="changed"), delay_seconds=0)

    [again] = yard.parking.receive(1)
    assert read_parked(again.body.decode()).name == "changed"
    assert again.message.id == ticket.message.id
    assert again.message.inserted_on == ticket.message.inserted_on


def test_done_removes_the_message(yard: Yard) -> None:
    """Delivered is delivered."""
    yard.parking.park(PARKED, delay_seconds=0)
    [ticket] = yard.parking.receive(1)

    yard.parking.done(ticket)

    assert yard.count() == 0


def test_message_that_somebody_else_has_by_now_is_left_to_them(yard: Yard) -> None:
    """A lost pop receipt is no error: the other receiver deals with it."""
    slow = Parking(yard.account.queues, visibility_seconds=1)
    slow.park(PARKED, delay_seconds=0)
    [late] = slow.receive(1)
    yard.clock.sleep(0)
    others: list[Ticket] = []
    while not others:
        others = yard.parking.receive(1)

    slow.park_again(late, Parked(container="x", name="y"), delay_seconds=0)
    slow.done(late)

    [other] = others
    assert read_parked(other.body.decode()) == PARKED
    assert yard.count() == 1


def test_up_to_thirty_two_come_at_once(yard: Yard) -> None:
    """The most that a queue hands out, and no more than asked for."""
    for number in range(40):
        yard.parking.park(Parked(container="c", name=str(number)), delay_seconds=0)

    assert [len(yard.parking.receive(most)) for most in (5, 100)] == [5, 32]


def test_missing_queue_holds_nothing(yard: Yard) -> None:
    """Before the first event is parked."""
    assert yard.parking.receive(1) == []
    assert not yard.parking.has_due()


def test_storage_that_is_down_is_an_error_that_says_so() -> None:
    """The invocation fails, and the platform tries again."""
    text = f"AccountName=a;AccountKey={ACCOUNT_KEY};BlobEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:1/a;"
    account = StorageAccount(StorageConnection(name="x", connection_string=text), threads=1)

    with pytest.raises(StorageUnavailable, match="airflow-parked failed at parking"):
        Parking(account.queues, visibility_seconds=1).park(PARKED, delay_seconds=0)
