"""When queue mode has to ask storage for facts that the event lacks."""

from typing import Any

import pytest

from shared.routes.reader import read_routes
from tests.support.samples import MOMENT, blob_event


def route(name: str, match: str, *more: str) -> str:
    """Write one route."""
    return "\n".join(["[[route]]", f'name = "{name}"', f'match = "{match}"', *more, ""])


ALL = route("all", "**", 'dag_id = "all"')
ASKS = 'dag_id = "load"\nhead = true'

HEADS = [
    ("nothing asks", ALL, {}, False),
    ("the route asks", ALL + "head = true\n", {}, True),
    ("a filter asks", ALL + "metadata = { a = true }\n", {}, True),
    ("the conf asks", ALL + 'conf.tier = "{event.access_tier}"\n', {}, True),
    ("a default asks", ALL, {"size": 0}, True),
    ("the route asks, but its match does not fit", route("eu", "europe/**", ASKS), {}, False),
    ("the route asks, but a filter refuses first", ALL + "head = true\nmin_size = 9999\n", {}, False),
    ("a route below asks", ALL + route("b", "**", ASKS), {}, True),
    ("a route below stop asks", ALL + "stop = true\n" + route("b", "**", ASKS), {}, False),
    ("a route below ignore asks", route("not", "**", "ignore = true") + route("b", "**", ASKS), {}, False),
    ("ignore itself asks", route("not", "**", "ignore = true", "metadata = { a = true }") + ALL, {}, True),
    ("there was a HEAD", ALL + "head = true\n", {"last_modified": MOMENT}, False),
]


@pytest.mark.parametrize(
    ("toml", "facts", "needed"), [case[1:] for case in HEADS], ids=[case[0] for case in HEADS]
)
def test_head_is_needed_only_by_routes_that_may_fire(toml: str, facts: dict[str, Any], needed: bool) -> None:  # noqa: FBT001
    """In queue mode the event lacks facts; each costs one storage call."""
    event = blob_event(**{"blob_type": "BlockBlob", **facts})

    assert needed == read_routes(toml, origin="test").needs_head(event)
