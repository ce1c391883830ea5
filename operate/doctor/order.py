"""`CHECKS`: all checks, in the order in which they are asked for."""

from operate.advice import READ_BLOBS, READ_SECRETS
from operate.desk import Desk
from operate.doctor import airflow, azure, storage
from operate.doctor.check import Check


def _settings(desk: Desk) -> str:
    _ = desk.settings
    return f"of {desk.origin.title}, without a fault"


def _routes(desk: Desk) -> str:
    names = ", ".join(route.name for route in desk.routes.routes)
    return f"{names} (from {desk.routes_from})"


_APP = ("settings",)
_AIRFLOW = ("Airflow's log-in",)

CHECKS = (
    Check(name="settings", ask=_settings),
    Check(name="routes", ask=_routes, needs=_APP),
    Check(name="landing container", ask=storage.containers, needs=_APP, role=READ_BLOBS),
    Check(name="storage's clock", ask=storage.clock, needs=("landing container",), role=READ_BLOBS),
    Check(name="tables, reading", ask=storage.tables),
    Check(name="tables, writing", ask=storage.changes, needs=("tables, reading",)),
    Check(name="queues", ask=storage.queues, needs=_APP),
    Check(name="app", ask=azure.app),
    Check(name="app's roles", ask=azure.app_roles, needs=_APP),
    Check(name="event subscription", ask=azure.subscription, needs=_APP),
    Check(name="event dead letters", ask=azure.dead_letters),
    Check(name="vault", ask=storage.vault, needs=_APP, role=READ_SECRETS),
    Check(name="Airflow's address", ask=airflow.address, needs=_APP),
    Check(name="Airflow's API", ask=airflow.api, needs=("Airflow's address",)),
    Check(name="Airflow's log-in", ask=airflow.log_in, needs=("vault", "Airflow's API")),
    Check(name="Airflow's clock", ask=airflow.clock, needs=_AIRFLOW),
    Check(name="reading runs", ask=airflow.reads_runs, needs=("routes", *_AIRFLOW)),
    Check(name="creating runs", ask=airflow.creates_runs, needs=_AIRFLOW),
    Check(name="DAGs", ask=airflow.dags, needs=("routes", *_AIRFLOW)),
)
"""A name is an interface: programs read it with --json."""
