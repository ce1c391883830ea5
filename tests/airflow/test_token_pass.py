"""A token is kept, renewed in time, and replaced on a refusal, once for all threads."""

from collections.abc import Callable

import pytest

from shared.airflow.credentials import Credentials, NoCredentials, Rotation
from shared.airflow.token_pass import Token, TokenPass
from shared.model.errors import (
    AirflowUnreachable,
)


class Grants:
    """Gives tokens t1, t2, …; or raises."""

    def __init__(self, lifetime: float = 1_000, error: Exception | None = None) -> None:
        self.count = 0
        self.lifetime = lifetime
        self.error = error

    def fetch(self, credentials: Credentials) -> Token:
        """See `Grant`."""
        self.count += 1
        if self.error:
            raise self.error
        return Token(text=f"t{self.count}", lifetime_seconds=self.lifetime)


def token_pass(grants: Grants, clock: Callable[[], float]) -> TokenPass:
    """Make one with credentials that never change."""
    rotation = Rotation(NoCredentials(), refusal_pause_seconds=30, clock=clock)
    return TokenPass(grants, rotation, refusal_pause_seconds=30, clock=clock)


@pytest.mark.parametrize(("lifetime", "kept"), [(86_400, 86_340), (1_000, 940), (100, 90)])
def test_token_is_kept_until_shortly_before_it_expires(lifetime: float, kept: float) -> None:
    """A minute before, or a tenth of a short life."""
    now = [0.0]
    grants = Grants(lifetime)
    passes = token_pass(grants, lambda: now[0])
    passes.current()
    now[0] = kept - 1
    still = passes.current().value
    now[0] = kept + 1

    assert still == "Bearer t1"
    assert passes.current().value == "Bearer t2"


def test_refused_token_is_renewed_at_most_once_in_a_while() -> None:
    """And not at all if another thread did so already."""
    now = [0.0]
    grants = Grants()
    passes = token_pass(grants, lambda: now[0])
    first = passes.current()
    second = passes.renewed(first, is_certain=True)
    same = passes.renewed(first, is_certain=True)
    still = passes.renewed(second, is_certain=True)
    now[0] = 31.0
    third = passes.renewed(second, is_certain=False)

    assert (second.value, same.value, still, third.value) == ("Bearer t2", "Bearer t2", second, "Bearer t3")


def test_thread_that_waited_for_a_failing_log_in_does_not_try_again() -> None:
    """One time-out for all, not one after the other."""
    times = iter([1.0, 9.0, 5.0])
    grants = Grants(error=AirflowUnreachable("down"))
    passes = token_pass(grants, lambda: next(times))
    with pytest.raises(AirflowUnreachable):
        passes.current()
    with pytest.raises(AirflowUnreachable):
        passes.current()

    assert grants.count == 1
