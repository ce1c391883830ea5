"""All that a row of the outbox, or a dead letter, holds."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from operate.desk import Desk
from operate.items import Detail, detail_of
from operate.page.frame import badge, facts, lane, moment
from operate.page.html import Html, name_of_blob, tag
from operate.page.request import Answer, PageError, Request
from operate.paging import SEPARATOR


def letter(desk: Desk, request: Request) -> Answer:
    """Show one dead letter by its keys: one that names no blob has no other page."""
    partition, _, key = request.exact("row").partition(SEPARATOR)
    entity = desk.dead_table.get(partition, key) if partition and key else None
    if entity is None:
        msg = "There is no such dead letter: it was replayed or dropped meanwhile."
        raise PageError(msg)
    body = [described(detail_of(entity, desk.owners), desk.timing.now())]
    return Answer(title="Dead letter", body=body, place="dead")


def described(detail: Detail, now: datetime) -> Html:
    """Return what a row holds; what it does not have is left out."""
    item = detail.item
    return facts(
        {
            "Reason": [badge(item.reason), " ", item.message] if item.reason else None,
            "Route and DAG": lane(item.route, item.dag_id, item.owner) if item.route else None,
            "Since": (moment(item.since, now), " ago") if item.since else None,
            "Due": moment(item.due, now) if item.due and item.due > now else None,
            "ETag": _code(item.etag),
            "Event time": (moment(item.event_time, now), " ago") if item.event_time else None,
            "Run id": _code(item.run_id),
            "History": [_failed(each, now) for each in failures_of(detail.history)],
            "May have been sent to": [
                tag("div", f"{target.get('dag_id')} of {target.get('airflow')}")
                for target in map(_mapping, detail.sent_to)
            ],
            "conf": tag("pre", json.dumps(detail.conf, indent=2), tabindex=0) if detail.conf else None,
            "Came from": item.source,
            "Its bytes lie at": item.where,
            "Its bytes": tag("pre", detail.body, tabindex=0) if detail.body else None,
            "Row": name_of_blob(f"{item.partition} / {item.key}"),
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The failures of a row for one reason."""

    reason: str
    count: int
    first: datetime
    last: datetime

    @property
    def is_again(self) -> bool:
        """Whether there was more than one."""
        return self.count > 1


def failures_of(history: Any) -> Iterator[Failed]:
    """Read the history of a row; what somebody has edited beyond reading is passed over."""
    for reason, known in _mapping(history).items():
        failures = _mapping(known)
        first, last, count = (
            _moment(failures.get("first")),
            _moment(failures.get("last")),
            failures.get("count"),
        )
        if first and last and isinstance(count, int):
            yield Failed(reason=str(reason), count=count, first=first, last=last)


def _failed(failures: Failed, now: datetime) -> Html:
    times = f" {failures.count} time{'s' * failures.is_again}, first "
    ago = (moment(failures.first, now), " ago, last ", moment(failures.last, now), " ago")
    return tag("div", badge(failures.reason), times, ago)


def _mapping(value: Any) -> dict[str, Any]:
    """Return a value of a column that anybody may have edited."""
    return dict(value) if isinstance(value, dict) else {}


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _code(text: str) -> Html | None:
    return tag("code", text) if text else None
