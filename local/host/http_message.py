"""A request to the host and its answer, apart from the server that carries them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request.

    Attributes:
        method: in capitals.
        url: whole, as the client sent it.
        path: still quoted, begins with `/`.
        query: first value of each name, decoded.
        headers: names in lower case.
        body: as sent.
    """

    method: str
    url: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def key(self) -> str | None:
        """The key that the client presents."""
        return self.headers.get("x-functions-key") or self.query.get("code")


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An HTTP answer; headers as pairs, since cookies repeat."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = field(default=())


NOT_FOUND = Response(status=404)
UNAUTHORIZED = Response(status=401)
