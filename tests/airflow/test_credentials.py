"""Which credentials are used while they are being changed at two places."""

import pytest

from shared.airflow.credentials import Credentials, Rotation
from shared.model.errors import (
    CredentialsRefused,
)


class Source:
    """Credentials that tests change; reading again shows what is really there."""

    def __init__(self, *tokens: str) -> None:
        self.cached, self.there = tokens

    def get(self) -> Credentials:
        """See `CredentialSource`."""
        return Credentials(fields={"token": self.cached}, origin="test")

    def refresh(self) -> Credentials:
        """See `CredentialSource`."""
        self.cached = self.there
        return self.get()


def test_rotation_prefers_the_newest_and_falls_back_to_what_worked() -> None:
    """A refusal of the newest is remembered for a while."""
    now = [0.0]
    source = Source("old", "old")
    rotation = Rotation(source, refusal_pause_seconds=30, clock=lambda: now[0])
    old = rotation.current()
    rotation.worked(old)
    rotation.worked(old)
    source.cached = source.there = "new"
    new = rotation.current()
    instead = rotation.after_refusal(new, is_certain=True)
    meanwhile = rotation.current()
    of_old = rotation.after_refusal(old, is_certain=True)
    now[0] = 31.0

    assert (old.fields, new.fields) == ({"token": "old"}, {"token": "new"})
    assert instead == meanwhile == old
    assert of_old is None
    assert rotation.current() == new
    assert rotation.after_refusal(old, is_certain=False) == new


def test_refused_credentials_without_others_are_not_sent_again_for_a_while() -> None:
    """A truly wrong password hammers nothing; a doubtful refusal does not count."""
    rotation = Rotation(Source("a", "a"), refusal_pause_seconds=30, clock=lambda: 0.0)
    credentials = rotation.current()
    doubtful = rotation.after_refusal(credentials, is_certain=False)
    rotation.raise_if_refused(credentials)
    certain = rotation.after_refusal(credentials, is_certain=True)

    assert doubtful is certain is None
    with pytest.raises(CredentialsRefused):
        rotation.raise_if_refused(credentials)
