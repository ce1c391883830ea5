"""`Request` and `Answer`: what the browser asks of the page, and what it gets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from operate.page.html import Html


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that has passed the gate.

    Attributes:
        fields: Of the query, or of the form that was sent.
        who: The operator, for holds, replays and drops.
    """

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    who: str = ""

    def text(self, name: str) -> str:
        """Return a field without the spaces around it; empty where it is missing."""
        return self.exact(name).strip()

    def exact(self, name: str) -> str:
        """Return a field as it was given: a blob's name may begin or end with a space."""
        return next(iter(self.fields.get(name, ())), "")

    def all(self, name: str) -> Sequence[str]:
        """Return all values of a field."""
        return self.fields.get(name, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A page.

    Attributes:
        title: What it is.
        body: Its pieces, sent as they are made.
        place: The entry of the menu that it belongs to.
        path: The blob that it is about, for the search.
        status: Of the response.
    """

    title: str
    body: Iterable[Html]
    place: str = ""
    path: str = ""
    status: HTTPStatus = HTTPStatus.OK


class PageError(Exception):
    """A request that cannot be carried out as it was sent; the message says why, and what to do."""
