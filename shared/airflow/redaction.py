"""`secrets_of`, `redacted`: what was sent as a credential is `***` in what a server says."""

import base64
import binascii
import json
from collections.abc import Collection, Iterator
from urllib.parse import quote, quote_plus

import requests

_PUBLIC_HEADERS = {
    *("accept", "accept-encoding", "connection", "content-length", "content-type", "host", "user-agent"),
}
_SHORTEST = 4
"""Characters: a shorter one protects nothing, and would take common words apart."""


def secrets_of(response: requests.Response) -> Iterator[str]:
    """Yield the credentials in the headers of all requests that led to a response.

    Every header that is not known to be public counts, whole and after its scheme.
    """
    for request in (response.request, *(earlier.request for earlier in response.history)):
        for name, value in request.headers.items():
            if name.lower() not in _PUBLIC_HEADERS:
                text = value.decode("latin-1") if isinstance(value, bytes) else value
                scheme, _, rest = text.partition(" ")
                yield from (text, rest)
                if scheme.lower() == "basic":
                    yield from _password(rest)


def redacted(text: str, secrets: Collection[str]) -> str:
    """Return a text with each secret replaced by `***`, also where it is quoted for a URL or for JSON."""
    spellings = {
        spelling
        for secret in secrets
        if len(secret) >= _SHORTEST
        for spelling in (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1])
    }
    # The longest first: one secret may contain another.
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, "***")
    return text


def _password(encoded: str) -> Iterator[str]:
    try:
        pair = base64.b64decode(encoded).decode()
    except (binascii.Error, UnicodeDecodeError):
        return
    yield from (pair, pair.partition(":")[2])
