"""`Call`: one request to Airflow's API before it is sent; `Exchange`: what an operation says and hears."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

from shared.airflow.answer import Answer

type Exchange[T] = Generator[Call, Answer, T]
"""Yields calls, is sent their answers, returns the operation's result. Does no I/O itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to the API, before authentication.

    Attributes:
        method: `GET` or `POST`.
        path: Below the base URL, quoted, beginning with `/`; empty for the base URL itself.
        body: Sent as JSON; None sends none.
        form: Sent as a form instead of a body; hidden from `repr`, for it holds what logs in.
        query: Sent as the query string.
        max_answer_bytes: A server that sends more is not answering the question.
    """

    method: str
    path: str
    body: Mapping[str, object] | None = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    query: Mapping[str, str | int] = field(default_factory=dict)
    max_answer_bytes: int = 4 * 1024 * 1024
