"""Rows that the tests of storage start from."""

import json
from datetime import timedelta
from typing import Any

from shared.model.lane import Lane
from shared.model.pending import Failures, Pending, Target
from shared.storage.rows import columns_of, read_row
from tests.support.samples import MOMENT, blob_event

LANE = Lane(route_id="orders", dag_id="copy_file")
RICH = blob_event(
    content_type="text/csv", last_modified=MOMENT, blob_type="BlockBlob", access_tier="Hot",
    copy_status="success", metadata={"k": "ü"}, version_id="v1", sequencer="1", traceparent="00-1-2-01",
)  # fmt: skip
FULL = Pending(
    container="landing", name=RICH.name, event=RICH, api="PutBlob", lane=LANE, run_id="blob__x",
    traceparent="00-1-2-01", reason="airflow_unclear", message="reset by peer",
    history={"airflow_unclear": Failures(count=2, first=MOMENT, last=MOMENT + timedelta(hours=1))},
    sent_to=frozenset({Target(dag_id="copy_file", airflow="https://a"), Target(dag_id="d", airflow="https://b")}),
    not_before=MOMENT, parked_at=MOMENT,
)  # fmt: skip
NAMED = Pending(container="landing", name="a b", parked_at=MOMENT)


def failures(count: object, first: str = "2026-01-01T00:00:00Z", last: str = "2026-01-01T00:00:00Z") -> str:
    """Return a history of one reason."""
    return json.dumps({"x": {"count": count, "first": first, "last": last}})


def entity(pending: Pending = FULL, **changes: Any) -> dict[str, Any]:
    """Return the row of an event with some of its columns changed; `...` takes one away."""
    columns = {"PartitionKey": pending.lane.key, "RowKey": "r|1", **columns_of(pending), **changes}
    return {name: value for name, value in columns.items() if value is not ...}


def read(columns: dict[str, Any]) -> Pending:
    """Read a row that makes sense."""
    row = read_row(columns)
    assert row.pending, row.fault
    return row.pending
