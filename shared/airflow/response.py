"""`Response`: what a server answered, reduced to what may be looked at."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

_DETAIL_MAX_LENGTH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A complete HTTP response.

    Attributes:
        status: HTTP status code.
        json: The body as JSON; None where it is not JSON (an HTML page, a truncated body).
        retry_after: The `Retry-After` header as sent.
        content_type: The `Content-Type` header as sent.
    """

    status: int
    json: object = None
    retry_after: str | None = None
    content_type: str = ""

    @property
    def object(self) -> dict[str, Any]:
        """The body if it is a JSON object, else an empty one."""
        return self.json if isinstance(self.json, dict) else {}

    @property
    def error_detail(self) -> str:
        """The text of a JSON error, shortened, for messages; of another body only its type, not the page."""
        for key in ("detail", "error", "title", "message"):
            if self.object.get(key):
                return _one_line(self.object[key])[:_DETAIL_MAX_LENGTH]
        kind = self.content_type.partition(";")[0].strip()[:60] or "no content type"
        return f"({kind}, not a response of Airflow's API)"

    def error_text(self, key: str) -> str:
        """Return the text of an error in Airflow's own shape, else "".

        Airflow 2 and 3 have it below `detail`, 1.10 below `error`: a string, or a list of faulty fields.
        """
        value = self.object.get(key)
        return _one_line(value) if isinstance(value, str | list) else ""

    def error_begins(self, pattern: str, *, key: str) -> bool:
        """Tell whether an error's own text begins with a pattern, in any case.

        Anchored, because a text may go on with what was sent, such as a file name.
        """
        return re.match(pattern, self.error_text(key), re.IGNORECASE) is not None

    def retry_after_seconds(self, *, now: datetime | None = None) -> float | None:
        """Return how long the server asks to wait, from seconds or a date (RFC 9110, 10.2.3), or None."""
        text = (self.retry_after or "").strip()
        if text.isascii() and text.isdigit():
            return float(text)
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def _one_line(detail: object) -> str:
    return re.sub(r"\s+", " ", _sentence(detail)).strip()


def _sentence(detail: object) -> str:
    """Return a detail as text; of a list of faulty fields only place and message, not the value sent."""
    if isinstance(detail, list):
        return "; ".join(_sentence(item) for item in detail)
    if isinstance(detail, dict) and "msg" in detail:
        place = ".".join(str(step) for step in detail.get("loc", ()))
        return f"{place}: {detail['msg']}"
    if isinstance(detail, dict) and "reason" in detail:
        return str(detail["reason"])
    return str(detail)
