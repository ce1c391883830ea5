"""Values that many tests start from."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from shared.model.blob_event import BlobEvent

MOMENT = datetime(2026, 11, 20, 6, 30, 15, 123456, tzinfo=UTC)

ORDERS = BlobEvent(
    account="acct",
    container="landing",
    name="orders/2026/11/20.csv",
    etag="0x8DD0A1B2C3D4E5F",
    size=1_234,
    event_time=MOMENT,
    url="https://acct.blob.core.windows.net/landing/orders/2026/11/20.csv",
)


def blob_event(**changes: Any) -> BlobEvent:
    """Return a plausible event with some of its facts changed."""
    return replace(ORDERS, **changes)
