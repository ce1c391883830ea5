"""A token is kept, renewed in time, and replaced on a refusal, once for all threads."""

from collections.abc import Callable

import pytest

from shared.airflow.credentials import Credentials, EnvironmentCredentials, Rotation
from shared.airflow.token_header import TokenHeader
from shared.airflow.tokens import Token
from shared.model.errors import (
    AirflowUnreachable,
)


class Tokens:
    """Gives tokens t1, t2, …; or raises."""

    def __init__(self, lifetime: float = 1_000, error: Exception | None = None) -> None:
        self.count = 0
        self.lifetime = lifetime
        self.error = error

    def fetch(self, credentials: Credentials) -> Token:
        """See `TokenProvider`."""
        self.count += 1
        if self.error:
            raise self.error
        return Token(text=f"t{self.count}", lifetime_seconds=self.lifetime)


def token_header(tokens: Tokens, clock: Callable[[], float]) -> TokenHeader:
    """Make one with credentials that never change."""
    rotation = Rotation(EnvironmentCredentials({}), refusal_pause_seconds=30, clock=clock)
    return TokenHeader(tokens, rotation, refusal_pause_seconds=30, clock=clock)


@pytest.mark.parametrize(("lifetime", "kept"), [(86_400, 86_340), (1_000, 940), (100, 90)])
def test_token_is_kept_until_shortly_before_it_expires(lifetime: float, kept: float) -> None:
    """A minute before, or a tenth of a short life."""
    now = [0.0]
    tokens = Tokens(lifetime)
    headers = token_header(tokens, lambda: now[0])
    headers.current()
    now[0] = kept - 1
    still = headers.current().value
    now[0] = kept + 1

    assert still == "Bearer t1"
    assert headers.current().value == "Bearer t2"


def test_refused_token_is_renewed_at_most_once_in_a_while() -> None:
    """And not at all if another thread did so already."""
    now = [0.0]
    tokens = Tokens()
    headers = token_header(tokens, lambda: now[0])
    first = headers.current()
    second = headers.renewed(first, is_certain=True)
    same = headers.renewed(first, is_certain=True)
    still = headers.renewed(second, is_certain=True)
    now[0] = 31.0
    third = headers.renewed(second, is_certain=False)

    assert (second.value, same.value, still, third.value) == ("Bearer t2", "Bearer t2", second, "Bearer t3")


def test_thread_that_waited_for_a_failing_log_in_does_not_try_again() -> None:
    """One time-out for all, not one after the other; the log-in itself is tried again once."""
    times = iter([1.0, 9.0, 5.0])
    tokens = Tokens(error=AirflowUnreachable("down"))
    headers = token_header(tokens, lambda: next(times))
    with pytest.raises(AirflowUnreachable):
        headers.current()
    with pytest.raises(AirflowUnreachable):
        headers.current()

    assert tokens.count == 2
