"""The error tree says whether to try again, and the drawing at its top is true."""

import re
from collections.abc import Callable

import pytest

from shared.model import errors
from shared.model.errors import (
    AirflowBusy,
    AirflowUnclear,
    BlobToDagError,
    PermanentError,
    RetryableError,
    Scope,
)

LEAVES = [
    error
    for error in vars(errors).values()
    if isinstance(error, type)
    and issubclass(error, BlobToDagError)
    and error not in {BlobToDagError, RetryableError, PermanentError}
]


def test_drawing_of_the_tree_names_every_leaf() -> None:
    """What a reader sees at the top is what there is."""
    drawn = set(re.findall(r"[├└]── (\w+)\s", errors.__doc__ or "")) - {"RetryableError", "PermanentError"}

    assert {leaf.__name__ for leaf in LEAVES} == drawn


@pytest.mark.parametrize("leaf", LEAVES)
def test_each_leaf_is_on_one_branch_and_has_a_code(leaf: type[BlobToDagError]) -> None:
    """Two branches only; the code is the name in snake case."""
    assert issubclass(leaf, RetryableError) != issubclass(leaf, PermanentError)
    assert re.sub(r"(?<!^)(?=[A-Z])", "_", leaf.__name__).lower() == leaf.code


def names(keep: Callable[[type[RetryableError]], bool]) -> set[str]:
    """Name the errors on the branch of those to try again that something holds for."""
    return {leaf.__name__ for leaf in LEAVES if issubclass(leaf, RetryableError) and keep(leaf)}


@pytest.mark.parametrize("scope", Scope)
def test_drawing_of_the_tree_says_what_each_failure_holds(scope: Scope) -> None:
    """The three groups at the top are the scopes of the classes."""
    group = (errors.__doc__ or "").partition(f"Scope.{scope.name}")[2].partition("Scope.")[0]
    drawn = set(re.findall(r"│   [│ ]   [├└]── (\w+)\s", group))

    assert names(lambda leaf: leaf.scope is scope) == drawn


def test_only_what_left_this_machine_may_have_been_sent() -> None:
    """A later attempt has to go to the same DAG and Airflow."""
    sent = names(lambda leaf: leaf.may_have_been_sent)

    assert sent == {"AirflowUnclear", "LookUpForbidden", "NotAirflow"}


def test_only_what_may_be_over_in_seconds_is_retried_at_once() -> None:
    """An invocation that sleeps for anything else sleeps in vain."""
    quick = names(lambda leaf: leaf.quick)

    assert quick == {"AirflowBusy", "AirflowUnclear", "AirflowUnreachable", "DateTaken"}


def test_what_waits_for_room_or_for_a_hold_does_not_wait_longer_each_time() -> None:
    """Its turn comes, whatever happened to it before."""
    waiting = {"AtCapacity", "AwaitsCompanion", "BatchOpen", "InOrder"}
    waiting |= {"OnHold", "RateLimited", "RouteDisabled"}
    assert names(lambda leaf: not leaf.backs_off) == waiting
    assert names(lambda leaf: leaf.waits_for_room) == {"AtCapacity", "InOrder", "RateLimited"}


def test_answer_of_airflow_itself_proves_that_it_is_up() -> None:
    """A hold on everything ends with one of these; what a gateway or storage says proves nothing."""
    answers = {leaf.__name__ for leaf in LEAVES if leaf.is_answer}

    assert answers == {
        "DagMissing", "DagBroken", "DagPaused", "Forbidden", "LookUpForbidden", "DateTaken", "RunRefused",
    }  # fmt: skip


def test_error_keeps_what_the_server_asked_for() -> None:
    """None where it asked for nothing."""
    assert AirflowBusy("429", retry_after_seconds=7.0).retry_after_seconds == 7.0
    assert AirflowBusy("429").retry_after_seconds is None


def test_scope_of_one_error_can_be_changed_for_it_alone() -> None:
    """A closer look may say that a failure is the lane's."""
    error = AirflowUnclear("x")
    error.scope = Scope.LANE

    assert AirflowUnclear("y").scope is Scope.EVENT
