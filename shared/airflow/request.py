"""`Request`: one request to Airflow's API before authentication; `Flow`: an operation made of requests."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

from shared.airflow.response import Response

type Flow[T] = Generator[Request, Response, T]
"""Yields requests, receives their responses, returns the operation's result. Does no I/O itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request to the API, before authentication.

    Attributes:
        method: `GET` or `POST`.
        path: Below the base URL, quoted, beginning with `/`; empty for the base URL itself.
        body: Sent as JSON; None sends none.
        form: Sent as a form instead of a body; hidden from `repr`, because it holds credentials.
        query: Sent as the query string.
        secrets: What of the body or form is a credential.
        max_response_bytes: A longer response is an error.
    """

    method: str
    path: str
    body: Mapping[str, object] | None = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    query: Mapping[str, str | int] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    max_response_bytes: int = 4 * 1024 * 1024
