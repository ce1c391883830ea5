"""Airflow 3 with the FAB auth manager: users and roles as in Airflow 2, in a folder of its own."""

from dataclasses import dataclass
from pathlib import Path

from local.airflow.fab_users import make_administrator
from local.airflow.kind import LOCKS, Place
from local.airflow.kind_3 import Airflow3

_AUTH_MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"


@dataclass(frozen=True, slots=True)
class Airflow3Fab(Airflow3):
    """The components of Airflow 3; its provider needs a Python before 3.13."""

    name: str = "airflow-3-fab"
    python: str = "3.11"
    lock: Path = LOCKS / "requirements-3-fab.lock"

    def environment(self, place: Place) -> dict[str, str]:
        """Return the configuration of Airflow 3, with the other auth manager."""
        return {
            **Airflow3.environment(self, place),
            "AIRFLOW__CORE__AUTH_MANAGER": _AUTH_MANAGER,
            # The provider's own tables are migrated with Airflow's.
            "AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS": (
                "airflow.providers.fab.auth_manager.models.db.FABDBManager"
            ),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{place.home}/airflow.db",
            **place.database,
        }

    def prepare(self, place: Place) -> None:
        """Make the administrator, once there is a database to hold it."""
        Airflow3.prepare(self, place)
        make_administrator(self, place)


AIRFLOW_3_FAB = Airflow3Fab()
