"""Airflows with what the sensors need: the Azure provider, a triggerer, and as many slots as by default."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.airflow.kind import Place
from local.airflow.kind_2 import Airflow2
from local.airflow.kind_3 import Airflow3

_FOLDER = Path(__file__).parent


def _with_sensors(place: Place) -> dict[str, str]:
    return {
        "AIRFLOW__CORE__PARALLELISM": "32",
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(place.log_port + 1),
    }


@dataclass(frozen=True, slots=True)
class Airflow3Azure(Airflow3):
    """The components of Airflow 3, and a triggerer."""

    name: str = "airflow-3-azure"
    lock: Path = _FOLDER / "requirements-3.lock"
    components: Sequence[Sequence[str]] = (
        ("api-server",),
        ("scheduler",),
        ("dag-processor",),
        ("triggerer",),
    )

    def environment(self, place: Place) -> dict[str, str]:
        """Return the configuration of Airflow 3 with more slots."""
        return {**Airflow3.environment(self, place), **_with_sensors(place)}


@dataclass(frozen=True, slots=True)
class Airflow2Azure(Airflow2):
    """The components of Airflow 2, and a triggerer."""

    name: str = "airflow-2-azure"
    lock: Path = _FOLDER / "requirements-2.lock"
    components: Sequence[Sequence[str]] = (("webserver",), ("scheduler",), ("triggerer",))

    def environment(self, place: Place) -> dict[str, str]:
        """Return the configuration of Airflow 2 with more slots."""
        return {**Airflow2.environment(self, place), **_with_sensors(place)}


AIRFLOW_3_AZURE = Airflow3Azure()
AIRFLOW_2_AZURE = Airflow2Azure()
