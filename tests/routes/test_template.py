"""Templates of conf: data is inserted, types are kept, nothing is read twice."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest

from shared.routes.template import compile_template, compile_value, render_conf, templates
from tests.support.samples import MOMENT, blob_event

PARTS: dict[str, object] = {
    "name": "a.csv",
    "n": 7,
    "day": date(2026, 1, 31),
    "at": datetime(2026, 1, 31, 5, tzinfo=UTC),
}


def rendered(value: Any, **changes: Any) -> Any:
    """Render one value of a conf."""
    conf = render_conf({"key": compile_value(value, PARTS)}, PARTS, blob_event(**changes))
    return conf.get("key", "(left out)")


RENDERED = [
    ("plain", "plain"),
    ("", ""),
    ("{name}", "a.csv"),
    # One placeholder and nothing else keeps the type.
    ("{n}", 7),
    ("{day}", date(2026, 1, 31)),
    ("{event.size}", 1_234),
    ("{event.event_time}", MOMENT),
    # Anything beside it makes a text; days and moments are written as ISO 8601.
    ("{n} ", "7 "),
    ("no {n} of {day}", "no 7 of 2026-01-31"),
    ("{at}!", "2026-01-31T05:00:00+00:00!"),
    ("{{n}}", "{n}"),
    ("{{{n}}}", "{7}"),
    # Fields of the event.
    ("{event.container}/{event.filename}", "landing/orders/2026/11/20.csv"),
    ("{event.folder}", "orders/2026/11"),
    ("{event.basename}", "20.csv"),
    ("{event.account}", "acct"),
    # Values that are no text stay as they are.
    (5, 5),
    (0.5, 0.5),
    (True, True),
    (date(2026, 1, 1), date(2026, 1, 1)),
    (["{n}", 1, {"x": "{name}"}], [7, 1, {"x": "a.csv"}]),
    ({"a": {"b": "{n}"}}, {"a": {"b": 7}}),
    # What the event does not have is left out, key or item.
    ("{event.version_id}", "(left out)"),
    ("v {event.version_id}", "(left out)"),
    (["{event.version_id}", 1], [1]),
    ({"v": "{event.version_id}", "n": "{n}"}, {"n": 7}),
    ("{event.metadata.owner}", "(left out)"),
]


@pytest.mark.parametrize(("value", "expected"), RENDERED)
def test_value_is_rendered_with_its_type(value: Any, expected: Any) -> None:
    """A number stays a number."""
    actual = rendered(value)

    assert expected == actual
    assert type(expected) is type(actual)


def test_metadata_is_found_in_any_case() -> None:
    """Metadata travels in headers, whose names have no case."""
    assert rendered("{event.metadata.Owner}", metadata={"x": "y", "oWNER": "me"}) == "me"


@pytest.mark.parametrize(
    "hostile", ["{n}", "{{", "}}", "{event.etag}", '"; DROP', "\n", "\\", "${x}", "{{ ds }}"]
)
def test_name_of_a_file_is_data_only(hostile: str) -> None:
    """What is inserted is never read as a template, and stays in its value."""
    template = compile_value({"a": "{name}", "b": "x{name}y"}, ["name"])
    assert isinstance(template, dict)

    conf = render_conf(template, {"name": hostile}, blob_event())

    assert {"a": hostile, "b": f"x{hostile}y"} == conf


WRONG = [
    ("{", "has an unmatched {; write {{ or }}"),
    ("}", "has an unmatched }"),
    ("{other}", "has {other}, which is not a capture of match; its captures are {name}, {n}, {day}, {at}"),
    ("{}", "has {}, which is not a capture"),
    ("{name.x}", "which is not a capture of match"),
    ("{event.nothing}", "which is not a field of an event; the fields are account, container"),
    ("{event.metadata.}", "which is not a field of an event"),
    (["{other}"], "which is not a capture of match"),
    ({"a": float("inf")}, "is inf, which JSON cannot hold"),
]


@pytest.mark.parametrize(("value", "message"), WRONG)
def test_wrong_template_is_refused(value: Any, message: str) -> None:
    """A template that could never render is a fault of the file."""
    with pytest.raises(ValueError, match=re.escape(message)):
        compile_value(value, PARTS)


def test_template_that_only_parts_may_fill_refuses_fields() -> None:
    """The DAG is chosen by captures that a route lists, never by a field."""
    with pytest.raises(ValueError, match=r"has \{event\.size\}, but only captures of match can be used here"):
        compile_template("{event.size}", PARTS, event_fields=False)
    with pytest.raises(ValueError, match="its captures are none"):
        compile_template("{x}", [])


NEEDS = [
    ("{n} {event.size}", False),
    ("{event.content_type}", True),
    ("{event.last_modified}", True),
    ("{event.metadata.owner}", True),
    (["x", {"y": "{event.access_tier}"}], True),
    (5, False),
]


@pytest.mark.parametrize(("value", "expected"), NEEDS)
def test_template_tells_whether_a_head_would_help(value: Any, expected: bool) -> None:  # noqa: FBT001
    """Only facts that the event lacks and a HEAD gives."""
    found = templates(compile_value(value, PARTS))

    assert expected == any(template.needs_head(blob_event()) for template in found)


def test_known_fact_needs_no_head() -> None:
    """Event Grid has the content type."""
    assert not compile_template("{event.content_type}", []).needs_head(blob_event(content_type="text/csv"))
