"""The conf: flat, strict JSON, and no larger than allowed."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from shared.model.conf import build_conf, encode_conf
from shared.model.errors import BadConf
from tests.support.samples import MOMENT, blob_event


def test_conf_of_a_plain_event_holds_its_facts() -> None:
    """The documented keys, and none for what the source does not have."""
    assert build_conf(blob_event(), route="default") == {
        "filename": "orders/2026/11/20.csv",
        "container": "landing",
        "size": 1_234,
        "url": "https://acct.blob.core.windows.net/landing/orders/2026/11/20.csv",
        "etag": "0x8DD0A1B2C3D4E5F",
        "event_time": MOMENT,
        "route": "default",
    }


def test_conf_of_a_rich_event_holds_all_that_is_known() -> None:
    """What a HEAD adds to the name."""
    conf = build_conf(
        blob_event(content_type="text/csv", blob_type="BlockBlob", metadata={"k": "v"}, traceparent="00-1"),
        route="default",
    )

    assert conf["content_type"] == "text/csv"
    assert conf["blob_type"] == "BlockBlob"
    assert conf["metadata"] == {"k": "v"}
    assert conf["traceparent"] == "00-1"


def test_zero_bytes_is_a_size() -> None:
    """An empty file must not lose its size."""
    assert build_conf(blob_event(size=0), route="r")["size"] == 0


def test_route_cannot_replace_a_fact() -> None:
    """A DAG must be able to trust `filename`."""
    conf = build_conf(blob_event(), route="r", extra={"filename": "other", "table": "orders"})

    assert conf["filename"] == "orders/2026/11/20.csv"
    assert conf["table"] == "orders"


def test_dates_become_iso_8601() -> None:
    """JSON has no dates."""
    conf = {"when": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "day": date(2026, 1, 2)}

    assert encode_conf(conf, max_bytes=1_000) == {"when": "2026-01-02T03:04:05+00:00", "day": "2026-01-02"}


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "half \ud800 pair", b"bytes", {1, 2}, object()], ids=repr
)
def test_value_that_is_no_json_is_refused(value: Any) -> None:
    """Airflow's database would refuse it later, or worse, keep it."""
    with pytest.raises(BadConf, match="cannot be written as JSON"):
        encode_conf({"key": value}, max_bytes=1_000)


@pytest.mark.parametrize("name", ["a\nb", 'q"uote', "😀", "u\u0308", "ü", "a%2Fb", "..", "x" * 1_024])
def test_hostile_name_arrives_intact(name: str) -> None:
    """A name is data: what the DAG reads is what storage has."""
    conf = encode_conf(build_conf(blob_event(name=name), route="r"), max_bytes=65_536)

    assert json.loads(json.dumps(conf))["filename"] == name


def test_conf_over_the_limit_names_its_largest_key() -> None:
    """The message says what to make smaller, and how much is allowed."""
    with pytest.raises(BadConf, match=r"limit is 1024 .*largest key is 'notes'"):
        encode_conf({"filename": "a", "notes": "x" * 2_000}, max_bytes=1_024)


def test_limit_counts_bytes_not_characters() -> None:
    """Two bytes of UTF-8 are two bytes of the limit."""
    fits = {"k": "é" * 10}
    size = len(json.dumps(fits, ensure_ascii=False).encode())

    assert encode_conf(fits, max_bytes=size) == fits
    with pytest.raises(BadConf):
        encode_conf(fits, max_bytes=size - 1)
