"""`Gate`: who may ask the page for anything: a browser that was given its address, and no other website.

Loopback is open to all programs and users of the machine, and to every website in the operator's browser. So
each request must know the token, be meant for this address, and come from it.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request is turned away; the text says nothing that a stranger could use."""

    status: HTTPStatus
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Checks each request before anything else is looked at.

    Attributes:
        host: Address and port that the page is served on.
        token: The first part of every path. It is new with each start, and hidden.
    """

    host: str
    token: str = field(default_factory=lambda: secrets.token_urlsafe(_TOKEN_BYTES), repr=False)

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{self.host}/{self.token}/"

    def refusal(self, method: str, target: str, *, host: str, origin: str | None) -> Refusal | None:
        """Return why a request is refused, None where it is not.

        Args:
            method: Of the request.
            target: Path and query.
            host: Its header `Host`.
            origin: Its header `Origin`; None where it has none.
        """
        if host != self.host:
            # Another name for this address: a website had its own name resolved to it.
            text = "This page answers only under the address that `blob-to-dag ui` printed."
            return Refusal(status=HTTPStatus.MISDIRECTED_REQUEST, text=text)
        token = urlsplit(target).path.removeprefix("/").partition("/")[0]
        if not hmac.compare_digest(token.encode(errors="replace"), self.token.encode()):
            text = "The address is not the one that `blob-to-dag ui` printed; it is new with each start."
            return Refusal(status=HTTPStatus.FORBIDDEN, text=text)
        # Every browser names the origin of what changes something; a link has none.
        if origin != f"http://{self.host}" and (origin is not None or method == "POST"):
            text = "Another website sent this request. Nothing was done."
            return Refusal(status=HTTPStatus.FORBIDDEN, text=text)
        return None
