"""`Response`: what a server answered, reduced to what may be looked at."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from shared.airflow.redaction import redacted

_DETAIL_MAX_LENGTH = 2_000
"""Airflow's own words stand in rows and dead letters; no error of its API comes near this length."""
_DETAIL_MAX_DEPTH = 4
_LONGEST_RETRY_AFTER_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A complete HTTP response.

    Attributes:
        status: HTTP status code.
        json: The body as JSON; None where it is not JSON (an HTML page, a truncated body). It may repeat a
            credential: `shown` makes of its texts what may be logged.
        retry_after: The `Retry-After` header as sent.
        content_type: The `Content-Type` header as sent.
        location: Where a redirect leads to, without its query.
        date: The `Date` header as sent.
        start: The first characters of the body, to compare with; never shown.
        secrets: What was sent as credentials.
    """

    status: int
    json: object = field(default=None, repr=False)
    retry_after: str | None = None
    content_type: str = ""
    location: str = ""
    date: str = ""
    start: str = field(default="", repr=False)
    secrets: Collection[str] = field(default=(), repr=False)

    @property
    def object(self) -> dict[str, Any]:
        """The body if it is a JSON object, else an empty one."""
        return self.json if isinstance(self.json, dict) else {}

    @property
    def is_page(self) -> bool:
        """Whether it is an HTML page, which Airflow's API never answers to a call that it has carried out."""
        return self.json is None and "html" in self.content_type.lower()

    @property
    def error_detail(self) -> str:
        """The text of a JSON error, shortened, for messages; of another body only its type, not the page."""
        if self.location:
            return f"a redirect to {self.shown(self.location)}"
        for key in ("detail", "error", "title", "message"):
            if self.object.get(key):
                return _one_line(self.shown(_sentence(self.object[key])))[:_DETAIL_MAX_LENGTH]
        kind = _one_line(self.shown(self.content_type.partition(";")[0]))[:60] or "no content type"
        return f"(a body without an error text, {kind})"

    def shown(self, text: str) -> str:
        """Return a text of the server as it may be logged: without what was sent as a credential."""
        return redacted(text, self.secrets)

    def error_text(self, key: str) -> str:
        """Return the text of an error in Airflow's own shape, else "".

        Airflow 2 and 3 have it below `detail`, 1.10 below `error`: a string, or a list of faulty fields.
        """
        value = self.object.get(key)
        return _one_line(_sentence(value)) if isinstance(value, str | list) else ""

    def error_begins(self, pattern: str, *, key: str) -> bool:
        """Tell whether an error's own text begins with a pattern, in any case.

        Anchored, because a text may go on with what was sent, such as a file name.
        """
        return re.match(pattern, self.error_text(key), re.IGNORECASE) is not None

    def retry_after_seconds(self, *, now: datetime | None = None) -> float | None:
        """Return how long the server asks to wait, from seconds or a date (RFC 9110, 10.2.3), or None.

        At most a day: whoever writes more has made a mistake.
        """
        text = (self.retry_after or "").strip()
        if text.isascii() and text.isdigit():
            return min(float(text), _LONGEST_RETRY_AFTER_SECONDS)
        try:
            moment = parsedate_to_datetime(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            seconds = (moment - (now or datetime.now(UTC))).total_seconds()
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        return min(max(0.0, seconds), _LONGEST_RETRY_AFTER_SECONDS)


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _sentence(detail: object, depth: int = 0) -> str:
    """Return a detail as text; of a list of faulty fields only place and message, not the value sent."""
    if depth == _DETAIL_MAX_DEPTH:
        return "..."
    if isinstance(detail, list):
        return "; ".join(_sentence(item, depth + 1) for item in detail)
    if isinstance(detail, dict):
        for key in ("msg", "reason"):
            if key in detail:
                place = detail.get("loc")
                known = place if key == "msg" and isinstance(place, list) else []
                steps = ".".join(str(step) for step in known if isinstance(step, str | int))
                text = _sentence(detail[key], depth + 1)
                return f"{steps}: {text}" if steps else text
        return "; ".join(f"{key}: {_sentence(value, depth + 1)}" for key, value in detail.items())
    return str(detail)
