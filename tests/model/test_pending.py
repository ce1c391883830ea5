"""An event on its way: what each failed delivery adds to it, and what is never taken away."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.errors import (
    AirflowUnclear,
    BadEvent,
    BlobToDagError,
    DagMissing,
    NotAirflow,
    OnHold,
    RateLimited,
    RunRefused,
)
from shared.model.lane import NEW, Lane
from shared.model.pending import Failures, Pending, Target
from tests.support.samples import MOMENT, ORDERS

LATER = MOMENT + timedelta(minutes=5)
HERE = Target(dag_id="copy_file", airflow="https://a")
THERE = Target(dag_id="copy_file", airflow="https://b")
PENDING = Pending(
    container=ORDERS.container, name=ORDERS.name, event=ORDERS, api="PutBlob",
    lane=Lane(route_id="orders", dag_id="copy_file"), run_id="blob__x", parked_at=MOMENT,
)  # fmt: skip


def test_failure_is_noted_with_its_words_and_its_time() -> None:
    """The last reason and message, and how often each reason came, for the first and the last time."""
    pending = PENDING.after(AirflowUnclear("reset"), now=MOMENT)
    pending = pending.after(DagMissing("no such DAG"), now=LATER, not_before=LATER)
    pending = pending.after(AirflowUnclear("time-out"), now=LATER)

    assert (pending.reason, pending.message, pending.not_before) == ("airflow_unclear", "time-out", None)
    assert pending.history == {
        "airflow_unclear": Failures(count=2, first=MOMENT, last=LATER),
        "dag_missing": Failures(count=1, first=LATER, last=LATER),
    }


def test_failures_are_counted_by_reason() -> None:
    """Each cause has a backoff of its own."""
    pending = PENDING.after(AirflowUnclear("x"), now=MOMENT).after(AirflowUnclear("y"), now=LATER)

    assert pending.failures(AirflowUnclear("z")) == 2
    assert pending.failures(NotAirflow("z")) == 0


def test_what_the_event_is_stays_as_it_was() -> None:
    """A failure changes nothing but what failed."""
    pending = PENDING.after(DagMissing("x"), now=LATER, not_before=LATER)

    assert (pending.event, pending.lane, pending.run_id, pending.api, pending.parked_at) == (
        ORDERS, PENDING.lane, "blob__x", "PutBlob", MOMENT,
    )  # fmt: skip
    assert pending.not_before == LATER
    assert PENDING.history == {}


ERRORS = st.sampled_from(
    [AirflowUnclear("a"), NotAirflow("b"), DagMissing("c"), OnHold("d"), RateLimited("e"), RunRefused("f")]
)


@given(st.lists(st.tuples(ERRORS, st.sampled_from([None, HERE, THERE]))))
def test_target_is_never_taken_away(failures: list[tuple[BlobToDagError, Target | None]]) -> None:
    """Where a request may have been sent once, the same run id must go again."""
    pending = PENDING
    for error, target in failures:
        pending = pending.after(error, now=LATER, sent_to=target)

    assert pending.sent_to == {target for _, target in failures if target}
    assert sum(each.count for each in pending.history.values()) == len(failures)


def test_event_by_name_keeps_what_happened_to_it() -> None:
    """Its version and lane are asked for again; history, targets and when it was parked first stay."""
    named = PENDING.after(AirflowUnclear("x"), now=MOMENT, sent_to=HERE).by_name()

    assert (named.event, named.lane, named.run_id) == (None, NEW, None)
    assert (named.container, named.name, named.api) == (ORDERS.container, ORDERS.name, "PutBlob")
    assert named.sent_to == {HERE}
    assert named.parked_at == MOMENT
    assert named.failures(AirflowUnclear("x")) == 1


def test_path_is_what_people_write() -> None:
    """In every message and every log line."""
    assert PENDING.path == "landing/orders/2026/11/20.csv"


def test_targets_have_columns_of_their_own() -> None:
    """One for each DAG and Airflow; what is joined differently is different."""
    targets = [HERE, THERE, Target(dag_id="copy_filehttps:", airflow="//a"), Target(dag_id="", airflow="x")]

    assert len({target.digest for target in targets}) == 4
    assert HERE.digest == "353735f4042491bf484dd0f0d3811cd1"  # in the rows that wait: it never changes


@pytest.mark.parametrize(
    "changes",
    [{"container": ""}, {"name": ""}, {"name": "\ud800"}, {"container": "a\udfffb"}, {"api": "\ud83d"},
     {"name": "x" * 16_001}, {"api": "x" * 1_000_000}],
)  # fmt: skip
def test_event_that_cannot_be_stored_is_a_bad_event(changes: dict[str, Any]) -> None:
    """Said where it is read, not by storage again and again; the message is short and can be logged."""
    with pytest.raises(BadEvent) as caught:
        Pending(**({"container": "c", "name": "n"} | changes))

    assert len(str(caught.value)) < 400
    assert str(caught.value).isascii()


@pytest.mark.parametrize("name", ["x" * 1_024, "😀" * 1_024, "a\x00b", "\uffff", "../..", " "])
def test_any_name_that_a_blob_can_have_is_taken(name: str) -> None:
    """It is data."""
    assert Pending(container="landing", name=name).name == name


@pytest.mark.parametrize("count", [-1, 2**31, 10**400])
def test_count_that_nobody_reached_is_refused(count: int) -> None:
    """It could not be written back."""
    with pytest.raises(ValueError, match="out of range"):
        Failures(count=count, first=MOMENT, last=MOMENT)
