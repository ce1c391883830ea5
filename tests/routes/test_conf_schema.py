"""docs/conf.schema.json: what a DAG finds in its conf, held against what is built."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.batch import Batch
from shared.model.conf import FACTS, RESERVED, build_conf, encode_conf
from tests.support.samples import MOMENT, blob_event

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "conf.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(
    SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)

FULL: dict[str, Any] = {
    "content_type": "text/csv",
    "last_modified": MOMENT,
    "blob_type": "BlockBlob",
    "access_tier": "Hot",
    "metadata": {"source": "bank"},
    "version_id": "2026-11-20T06:30:15.1234567Z",
    "sequencer": "000000000000000000000000000003FC0000000000a9fe2a",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}


def conf_of(facts: dict[str, Any], extra: dict[str, object] | None = None) -> dict[str, object]:
    """Return the conf as it is sent."""
    return encode_conf(build_conf(blob_event(**facts), route="orders", extra=extra), max_bytes=100_000)


@pytest.mark.parametrize("facts", [{}, FULL, {"size": 0}], ids=["least", "everything", "an empty blob"])
def test_conf_fits_its_schema(facts: dict[str, Any]) -> None:
    """With all facts, with the fewest, and with what a route adds."""
    VALIDATOR.validate(conf_of(facts, {"day": "2026-11-20", "folder": "a/b"}))

    assert VALIDATOR.is_valid(conf_of(facts))


def test_schema_describes_every_fact() -> None:
    """All keys that are ever sent, `folder` of finished folders, and no others."""
    assert set(conf_of(FULL)) == FACTS
    assert {*RESERVED, "folder"} == set(SCHEMA["properties"])
    assert set(conf_of({})) == set(SCHEMA["else"]["required"])


def test_conf_of_a_batch_fits_its_schema() -> None:
    """It has its own facts and none of a single file."""
    batch = Batch.of([blob_event(**FULL), blob_event(name="b")], key={"day": "2026-11-20"}, part=1)
    conf = encode_conf(batch.conf(build_conf(blob_event(**FULL), route="r")), max_bytes=10_000)

    VALIDATOR.validate(conf)
    assert set(conf) == {*SCHEMA["then"]["required"], "traceparent"}
    assert not VALIDATOR.is_valid({**conf, "filename": "a"})
    assert not VALIDATOR.is_valid({**conf, "files": []})


def test_keys_are_only_ever_added() -> None:
    """A DAG that reads one goes on finding it; what is required is never left out."""
    required = {"filename", "container", "size", "url", "etag", "event_time", "route"}
    optional = {
        "content_type",
        "last_modified",
        "blob_type",
        "access_tier",
        "metadata",
        "version_id",
        "sequencer",
    }

    assert required <= set(conf_of({}))
    assert required | optional | {"traceparent"} <= set(conf_of(FULL))


@given(name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=1_024))
def test_any_name_fits_the_schema(name: str) -> None:
    """Whatever storage can hold."""
    assert VALIDATOR.is_valid(conf_of({"name": name}))


@pytest.mark.parametrize(
    "change",
    [
        {"size": "1"},
        {"size": -1},
        {"size": None},
        {"etag": '"0x1"'},
        {"filename": ""},
        {"metadata": {"a": 1}},
    ],
)
def test_schema_refuses_what_is_never_sent(change: dict[str, object]) -> None:
    """The schema can fail."""
    assert not VALIDATOR.is_valid({**conf_of({}), **change})


def test_route_cannot_replace_a_fact() -> None:
    """The facts win, whatever a route adds."""
    assert conf_of(FULL, dict.fromkeys(FACTS, "forged")) == conf_of(FULL)
