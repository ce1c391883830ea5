"""`TokenHeader`: credentials are exchanged for a token, which is kept until shortly before it expires."""

import threading
import time
from collections.abc import Callable

from shared.airflow.again import ask_twice
from shared.airflow.auth import AuthHeader
from shared.airflow.credentials import Credentials, Rotation
from shared.airflow.tokens import Token, TokenProvider
from shared.model.errors import CredentialsRefused, RetryableError

_EARLY_SECONDS = 60.0
_EARLY_SHARE = 0.1


class TokenHeader:
    """One token for all threads; one of them fetches it while the others wait.

    Its lifetime runs on the monotonic clock, so a wrong wall clock on either side does no harm. A rejected
    token is replaced at once, but at most once in `refusal_pause_seconds`: a role that lacks a permission is
    answered 403 as well, and logging in for each event would not help.
    """

    def __init__(
        self,
        provider: TokenProvider,
        rotation: Rotation,
        *,
        refusal_pause_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._provider = provider
        self._rotation = rotation
        self._pause = refusal_pause_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._header: AuthHeader | None = None
        self._good_until = 0.0
        self._next_renewal = 0.0
        self._failure: RetryableError | None = None
        self._failed_at = 0.0

    def current(self) -> AuthHeader:
        """See `HeaderProvider`; raises what `TokenProvider.fetch` raises."""
        asked_at = self._clock()
        with self._lock:
            if self._header is None or self._clock() >= self._good_until:
                return self._fetch(asked_at)
            return self._header

    def renewed(self, rejected: AuthHeader, *, is_certain: bool) -> AuthHeader:  # noqa: ARG002  (both wait)
        """See `HeaderProvider`."""
        asked_at = self._clock()
        with self._lock:
            if self._header is not None and self._header != rejected:
                return self._header
            if self._clock() < self._next_renewal:
                return rejected
            self._next_renewal = self._clock() + self._pause
            return self._fetch(asked_at)

    def accepted(self, used: AuthHeader) -> None:
        """See `HeaderProvider`: a token that was issued is proof enough."""

    def _fetch(self, asked_at: float) -> AuthHeader:
        if self._failure and self._failed_at > asked_at:
            # Another thread tried while this one waited; trying again would only make the others wait longer.
            raise type(self._failure)(
                str(self._failure), retry_after_seconds=self._failure.retry_after_seconds
            )
        try:
            token, credentials = self._exchange(self._rotation.current())
        except RetryableError as error:
            self._failure, self._failed_at = error, self._clock()
            raise
        self._failure = None
        self._rotation.worked(credentials)
        early = min(_EARLY_SECONDS, token.lifetime_seconds * _EARLY_SHARE)
        self._good_until = self._clock() + token.lifetime_seconds - early
        self._header = AuthHeader(name="Authorization", value=f"Bearer {token.text}", credentials=credentials)
        return self._header

    def _exchange(self, credentials: Credentials) -> tuple[Token, Credentials]:
        self._rotation.raise_if_refused(credentials)
        try:
            return ask_twice(lambda: self._provider.fetch(credentials)), credentials
        except CredentialsRefused:
            other = self._rotation.after_refusal(credentials, is_certain=True)
            if other is None:
                raise
            return ask_twice(lambda: self._provider.fetch(other)), other
