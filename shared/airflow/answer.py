"""`Answer`: what a server said, reduced to what may be looked at."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_LONGEST_WORDS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole HTTP answer.

    Attributes:
        status: HTTP status code.
        json: The body as JSON; None where it is none (an HTML page, a torn body).
        retry_after: The `Retry-After` header as sent.
        content_type: The `Content-Type` header as sent.
    """

    status: int
    json: object = None
    retry_after: str | None = None
    content_type: str = ""

    @property
    def words(self) -> str:
        """What Airflow says in a JSON error, shortened; of anything else only its kind, never the page."""
        if isinstance(self.json, dict):
            for key in ("detail", "error", "title", "message"):
                if self.json.get(key):
                    return re.sub(r"\s+", " ", _sentence(self.json[key]))[:_LONGEST_WORDS]
        kind = self.content_type.partition(";")[0].strip()[:60] or "no content type"
        return f"({kind}, not an answer of Airflow's API)"

    def retry_after_seconds(self, *, now: datetime | None = None) -> float | None:
        """Give how long the server asks to wait, from seconds or a date (RFC 9110, 10.2.3)."""
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


def _sentence(detail: object) -> str:
    """Give a detail as text; of a list of faulty fields only place and message, not the value sent."""
    if isinstance(detail, list):
        return "; ".join(_sentence(item) for item in detail)
    if isinstance(detail, dict) and "msg" in detail:
        place = ".".join(str(step) for step in detail.get("loc", ()))
        return f"{place}: {detail['msg']}"
    if isinstance(detail, dict) and "reason" in detail:
        return str(detail["reason"])
    return str(detail)
