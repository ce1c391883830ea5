"""The parked message: everything comes back, nothing too large goes in, anything odd is refused cleanly."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.errors import AirflowUnclear, BadEvent
from shared.model.pending import MAX_BYTES, Parked, Pin, read_parked, write_parked
from tests.support.samples import MOMENT, blob_event

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=1_024)
RICH = blob_event(
    content_type="text/csv", last_modified=MOMENT, blob_type="BlockBlob", access_tier="Hot",
    metadata={"k": "ü"}, version_id="v1", sequencer="0000000000000001", traceparent="00-1-2-01",
)  # fmt: skip


def _parked(event: Any = RICH, **changes: Any) -> Parked:
    values: dict[str, Any] = {"container": event.container, "name": event.name, "event": event, "route": "r"}
    return Parked(**(values | changes))


@pytest.mark.parametrize(
    "parked",
    [
        _parked(),
        _parked(pin=Pin(dag_id="d", airflow="https://a"), history={"airflow_unclear": 3}, api="PutBlob"),
        _parked(route=None),
        Parked(container="landing", name="a b"),
    ],
)
def test_what_was_parked_comes_back(parked: Parked) -> None:
    """Writing and reading are inverse."""
    assert read_parked(write_parked(parked)) == parked


@given(name=NAMES)
def test_any_name_fits(name: str) -> None:
    """The longest name of the widest characters leaves room for the rest."""
    event = blob_event(
        name=name,
        url="https://acct.blob.core.windows.net/landing/",
        metadata={"k": "v" * 8_000},
        content_type="x" * 3_000,
    )
    text = write_parked(_parked(event, pin=Pin(dag_id="d" * 250, airflow="https://a")))

    assert len(text.encode()) <= MAX_BYTES
    assert read_parked(text).name == name
    assert read_parked(text).is_cut


def test_longest_names_of_the_worst_characters_fit() -> None:
    """Control characters are written as six bytes each in JSON."""
    for character in ("\x01", "😀", '"', "é"):
        event = blob_event(name=character * 1_024)

        assert len(write_parked(_parked(event)).encode()) <= MAX_BYTES


def test_conf_and_secrets_are_not_in_the_message() -> None:
    """Only what is needed to make the run again."""
    keys = set(json.loads(write_parked(_parked())))

    assert keys == {"format", "container", "name", "history", "event", "is_cut", "route"}


def test_unknown_keys_of_a_newer_version_are_passed_over() -> None:
    """An app that was rolled back still delivers."""
    message = json.loads(write_parked(_parked()))
    message |= {"format": 2, "news": {"x": 1}}
    message["event"]["colour"] = "blue"

    assert read_parked(json.dumps(message)) == _parked()


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "7", '"text"', "{}", "{", '{"container": "c"}', '{"container": "c", "name": 7}',
        '{"container": "", "name": "n"}', '{"container": "c", "name": "n", "history": [1]}',
        '{"container": "c", "name": "n", "history": {"x": "many"}}',
        '{"container": "c", "name": "n", "route": "r"}', '{"container": "c", "name": "n", "event": {}}',
        '{"container": "c", "name": "n", "event": {"size": "1"}}',
        '{"container": "c", "name": "n", "pin": "x"}',
        '{"container": "c", "name": "n", "history": {"x": 1e999}}', '{"container": "c", "name": "\\ud800"}',
        '{"container": "c", "name": "n", "api": [1]}', "[" * 100_000,
        '{"container": "c", "name": "n", "event": []}', '{"container": "c", "name": "n", "event": "x"}',
    ],
)  # fmt: skip
def test_message_that_is_not_ours_is_a_bad_event(text: str) -> None:
    """Edited by hand, of another app, or garbage: one kind of error, so that it can be buried."""
    with pytest.raises(BadEvent):
        read_parked(text)


@pytest.mark.parametrize(
    ("fact", "value"),
    [("size", True), ("size", 1.5), ("event_time", "yesterday"), ("event_time", "2026-01-01T00:00:00"),
     ("metadata", "x"), ("etag", 5), ("etag", ""), ("endpoint", None)],
)  # fmt: skip
def test_fact_of_the_wrong_type_is_a_bad_event(fact: str, value: object) -> None:
    """Nothing half-read goes to a DAG."""
    message = json.loads(write_parked(_parked()))
    message["event"][fact] = value
    if value is None:
        del message["event"][fact]

    with pytest.raises(BadEvent):
        read_parked(json.dumps(message))


@given(st.text())
def test_no_text_crashes_the_reader(text: str) -> None:
    """Whatever lies in the queue."""
    with pytest.raises(BadEvent):
        read_parked(text)


def test_again_counts_by_reason() -> None:
    """The history is what a person sees in a dead letter."""
    parked = _parked().again(AirflowUnclear("x"), pin=None).again(AirflowUnclear("y"), pin=None)

    assert parked.history == {"airflow_unclear": 2}
    assert parked.failures(AirflowUnclear("z")) == 2
