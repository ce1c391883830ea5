"""`TokenPass`: credentials are exchanged for a token that is kept until shortly before it expires."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from shared.airflow.auth import Pass
from shared.airflow.credentials import Credentials, Rotation
from shared.model.errors import CredentialsRefused, RetryableError

_EARLY_SECONDS = 60.0
_EARLY_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token and how long it is good for."""

    text: str = field(repr=False)
    lifetime_seconds: float


class Grant(Protocol):
    """Exchanges credentials for a token."""

    def fetch(self, credentials: Credentials) -> Token:
        """Get a token.

        Raises:
            CredentialsRefused: These credentials are not accepted.
            RetryableError: No token could be had for another reason; no request to start a run was sent.
        """


class TokenPass:
    """One token for all threads; one of them fetches it while the others wait.

    Its lifetime runs on the monotonic clock, so a wrong wall clock on either side does no harm. A refused
    token is replaced at once, but at most once in `refusal_pause_seconds`: a role that lacks a permission is
    answered 403 as well, and a log-in for each event would not mend it.
    """

    def __init__(
        self,
        grant: Grant,
        rotation: Rotation,
        *,
        refusal_pause_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._grant = grant
        self._rotation = rotation
        self._pause = refusal_pause_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._pass: Pass | None = None
        self._good_until = 0.0
        self._next_renewal = 0.0
        self._failure: RetryableError | None = None
        self._failed_at = 0.0

    def current(self) -> Pass:
        """See `PassSource`; raises what `Grant.fetch` raises."""
        asked_at = self._clock()
        with self._lock:
            if self._pass is None or self._clock() >= self._good_until:
                return self._fetch(asked_at)
            return self._pass

    def renewed(self, refused: Pass, *, is_certain: bool) -> Pass:  # noqa: ARG002  (both are bounded alike)
        """See `PassSource`."""
        asked_at = self._clock()
        with self._lock:
            if self._pass is not None and self._pass != refused:
                return self._pass
            if self._clock() < self._next_renewal:
                return refused
            self._next_renewal = self._clock() + self._pause
            return self._fetch(asked_at)

    def accepted(self, used: Pass) -> None:
        """See `PassSource`: a token that was issued is proof enough."""

    def _fetch(self, asked_at: float) -> Pass:
        if self._failure and self._failed_at > asked_at:
            # Another thread tried while this one waited: to try again would only make the others wait longer.
            raise type(self._failure)(str(self._failure))
        try:
            token, credentials = self._exchange(self._rotation.current())
        except RetryableError as error:
            self._failure, self._failed_at = error, self._clock()
            raise
        self._failure = None
        self._rotation.worked(credentials)
        early = min(_EARLY_SECONDS, token.lifetime_seconds * _EARLY_SHARE)
        self._good_until = self._clock() + token.lifetime_seconds - early
        self._pass = Pass(header="Authorization", value=f"Bearer {token.text}", credentials=credentials)
        return self._pass

    def _exchange(self, credentials: Credentials) -> tuple[Token, Credentials]:
        self._rotation.raise_if_refused(credentials)
        try:
            return self._grant.fetch(credentials), credentials
        except CredentialsRefused:
            other = self._rotation.after_refusal(credentials, is_certain=True)
            if other is None:
                raise
            return self._grant.fetch(other), other
