"""A real Airflow in its own virtual environment."""

from local.airflow.api import AirflowApi, DagRun, logged_conf
from local.airflow.kind import AirflowKind
from local.airflow.kind_3 import AIRFLOW_3
from local.airflow.server import Airflow, landing_storage, start_airflow

__all__ = [
    "AIRFLOW_3",
    "Airflow",
    "AirflowApi",
    "AirflowKind",
    "DagRun",
    "landing_storage",
    "logged_conf",
    "start_airflow",
]
