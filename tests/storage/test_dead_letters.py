"""Dead letters: one blob each, written once, with everything that a person needs."""

import json
from dataclasses import replace

import pytest
from azure.core.exceptions import ResourceExistsError

from local.azurite import ACCOUNT_KEY
from shared.config.storage_connection import StorageConnection
from shared.event_log import EventLog
from shared.model.errors import BadEvent, RunRefused, StorageUnavailable
from shared.model.pending import Parked, Pin
from shared.model.run_id import run_id
from shared.storage.accounts import StorageAccount
from shared.storage.dead_letters import DeadLetters
from tests.delivery.conftest import Yard
from tests.support.samples import blob_event

pytestmark = pytest.mark.stack

EVENT = blob_event(metadata={"k": "v"})
PARKED = Parked(
    container=EVENT.container, name=EVENT.name, event=EVENT, route="orders", history={"airflow_unclear": 2},
    pin=Pin(dag_id="copy_file", airflow="https://a"),
)  # fmt: skip


def test_letter_holds_reason_words_event_and_history(yard: Yard) -> None:
    """Enough to understand it, and to deliver it again."""
    name = yard.dead_letters.bury(PARKED, RunRefused("Invalid input for param filename"))

    identity = run_id(EVENT, route="orders")
    letter = json.loads(yard.letters()[f"orders/{identity}.json"])
    assert name == f"orders/{identity}.json"
    assert letter["reason"] == "run_refused"
    assert letter["message"] == "Invalid input for param filename"
    assert (letter["dag_id"], letter["run_id"], letter["route"]) == ("copy_file", identity, "orders")
    assert (letter["event"]["size"], letter["event"]["metadata"]) == (1_234, {"k": "v"})
    assert letter["history"] == {"airflow_unclear": 2}
    assert yard.log.counts == {"run.dead": 1}


def test_letter_is_written_once(yard: Yard) -> None:
    """Five deliveries of a refused run are one letter: the first."""
    for number in range(5):
        yard.dead_letters.bury(PARKED, RunRefused(f"refusal {number}"))

    [letter] = yard.letters().values()
    assert json.loads(letter)["message"] == "refusal 0"


def test_letter_that_cannot_be_written_is_an_error() -> None:
    """The caller keeps the event."""
    text = (
        f"AccountName=a;AccountKey={ACCOUNT_KEY};"
        "BlobEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:1/a;"
    )
    account = StorageAccount(StorageConnection(name="x", connection_string=text), threads=1)

    with pytest.raises(StorageUnavailable, match="the event is kept"):
        DeadLetters(account.blobs, EventLog()).bury(PARKED, RunRefused("no"))


def test_unreadable_message_is_kept_byte_for_byte(yard: Yard) -> None:
    """Nobody can say what it was worth."""
    body = b"\x00\xff garbage \x80"

    yard.dead_letters.bury_unreadable(body, BadEvent("no JSON"), source="parked")

    [(name, kept)] = yard.letters().items()
    assert name.startswith("unreadable/parked-")
    assert kept == body


def test_blob_that_was_only_heard_of_has_a_letter_too(yard: Yard) -> None:
    """By its name, as there is no version."""
    yard.dead_letters.bury(Parked(container="c", name="n"), RunRefused("x"))

    [(name, letter)] = yard.letters().items()
    assert name.startswith("unrouted/")
    assert (json.loads(letter)["container"], json.loads(letter)["name"]) == ("c", "n")


def test_container_that_is_being_deleted_is_no_letter(yard: Yard) -> None:
    """Every conflict is a 409; only the letter's own name says that it is there already."""

    class Deleting:
        container_name = "airflow-dead"

        def upload_blob(self, *_: object, **__: object) -> None:
            error = ResourceExistsError("The specified container is being deleted.")
            error.error_code = "ContainerBeingDeleted"  # type: ignore[attr-defined]
            raise error

    yard.dead_letters._container = Deleting()  # type: ignore[assignment]

    with pytest.raises(StorageUnavailable):
        yard.dead_letters.bury(PARKED, RunRefused("no"))


def test_route_of_a_message_edited_by_hand_does_not_choose_a_place(yard: Yard) -> None:
    """It is data, as a file name is."""
    name = yard.dead_letters.bury(replace(PARKED, route="../landing"), RunRefused("no"))

    assert name.startswith("unrouted/")
