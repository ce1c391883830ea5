"""The error tree says whether to try again, and the drawing at its top is true."""

import re

import pytest

from shared.model import errors
from shared.model.errors import BlobToDagError, PermanentError, RetryableError

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


def test_only_what_left_this_machine_may_have_been_sent() -> None:
    """These pin a later attempt to the same DAG and Airflow."""
    sent = {leaf.__name__ for leaf in LEAVES if issubclass(leaf, RetryableError) and leaf.may_have_been_sent}

    assert {"AirflowUnclear", "LookUpForbidden", "NotAirflow"} == sent
