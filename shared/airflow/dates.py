"""`logical_dates`: the dates to try for a run: its own, then others in the same second."""

import hashlib
import random
from collections.abc import Callable, Iterator
from datetime import datetime

from shared.model.run_request import RunRequest

_MICROSECONDS = 1_000_000
_RANDOM_DATES = 4


def logical_dates(
    run: RunRequest, *, below: Callable[[int], int] = random.randrange
) -> Iterator[datetime | None]:
    """Yield the dates to try in turn; only None for a run without one.

    Airflow allows one run of a DAG for each logical date, and blobs that land in the same instant have the
    same event time. So the microsecond is changed, within the second: `{{ ds }}` and `{{ ts_nodash }}` stay.
    The second date depends on the run id alone, so that many blobs of one instant rarely collide again.
    """
    date = run.logical_date
    yield date
    if date is None:
        return
    digest = int.from_bytes(hashlib.sha256(run.run_id.encode()).digest()[:8])
    yield _moved(date, 1 + digest % (_MICROSECONDS - 1))
    for _ in range(_RANDOM_DATES):
        yield _moved(date, 1 + below(_MICROSECONDS - 1))


def _moved(date: datetime, microseconds: int) -> datetime:
    return date.replace(microsecond=(date.microsecond + microseconds) % _MICROSECONDS)
