"""`Call`: one request to Airflow's API, before it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to the API, before authentication.

    Attributes:
        method: `GET` or `POST`.
        path: Below the base URL, quoted, beginning with `/`.
        body: Sent as JSON; None sends none.
        query: Sent as the query string.
    """

    method: str
    path: str
    body: Mapping[str, object] | None = None
    query: Mapping[str, str | int] = field(default_factory=dict)
