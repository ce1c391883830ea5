"""Who the app is to Airflow, and where that is read from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from shared.errors import Misconfigured


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user name and a password; neither shows in `repr`."""

    username: str = field(repr=False)
    password: str = field(repr=False)


class CredentialSource(Protocol):
    """Where credentials come from; asked at every log-in, so it caches what is slow."""

    def get(self) -> Credentials:
        """Give the credentials.

        Raises:
            Misconfigured: There are none, or they cannot be read.
        """


class EnvironmentCredentials:
    """`AIRFLOW_USERNAME` and `AIRFLOW_PASSWORD`: for the local stack; in Azure they belong into Key Vault."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def get(self) -> Credentials:
        """Read both; raises Misconfigured where one is missing."""
        missing = [name for name in ("AIRFLOW_USERNAME", "AIRFLOW_PASSWORD") if not self._environ.get(name)]
        if missing:
            msg = f"{' and '.join(missing)} must be set: the app cannot log in to Airflow."
            raise Misconfigured(msg)
        return Credentials(
            username=self._environ["AIRFLOW_USERNAME"], password=self._environ["AIRFLOW_PASSWORD"]
        )
