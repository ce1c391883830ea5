"""`FixedPass`: credentials that are sent as they are, with each request."""

import base64
from collections.abc import Callable

from shared.airflow.auth import Pass
from shared.airflow.credentials import Credentials, Rotation

type Write = Callable[[Credentials], Pass]


def basic(credentials: Credentials) -> Pass:
    """Write user name and password (RFC 7617, in UTF-8)."""
    pair = ":".join(credentials.need("username", "password"))
    value = "Basic " + base64.b64encode(pair.encode()).decode()
    return Pass(header="Authorization", value=value, credentials=credentials)


def bearer(credentials: Credentials) -> Pass:
    """Write a token that somebody issued, as Astronomer does (RFC 6750)."""
    (token,) = credentials.need("token")
    return Pass(header="Authorization", value=f"Bearer {token}", credentials=credentials)


def header(name: str) -> Write:
    """Write a token in a header of its own, as gateways want their API keys."""

    def write(credentials: Credentials) -> Pass:
        (token,) = credentials.need("token")
        return Pass(header=name, value=token, credentials=credentials)

    return write


class FixedPass:
    """A pass that is the credentials themselves."""

    def __init__(self, rotation: Rotation, write: Write) -> None:
        self._rotation = rotation
        self._write = write

    def current(self) -> Pass:
        """See `PassSource`.

        Raises:
            CredentialsRefused: Airflow refused these a moment ago; it is not asked again with each event.
        """
        credentials = self._rotation.current()
        self._rotation.raise_if_refused(credentials)
        return self._write(credentials)

    def renewed(self, refused: Pass, *, is_certain: bool) -> Pass:
        """See `PassSource`."""
        other = self._rotation.after_refusal(refused.credentials, is_certain=is_certain)
        return self._write(other) if other else refused

    def accepted(self, used: Pass) -> None:
        """See `PassSource`."""
        self._rotation.worked(used.credentials)
