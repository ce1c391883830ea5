"""`load_configuration`: read and check settings and routes together, with every fault in one message."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from shared.config.checks import connection_faults
from shared.config.settings import Settings
from shared.model.errors import Misconfigured
from shared.routes.load import load_routes
from shared.routes.table import RouteTable

APP_ROOT = Path(__file__).parents[2]


def reads_file(path: str) -> bool:
    """Tell whether a path, relative to the working folder, is a readable file."""
    return Path(path).is_file() and os.access(path, os.R_OK)


def load_configuration(
    environ: Mapping[str, str], *, root: Path = APP_ROOT, reads: Callable[[str], bool] = reads_file
) -> tuple[Settings, RouteTable | None]:
    """Read and check everything that needs no connection; the routes are None where a blob has them.

    Args:
        environ: App settings.
        root: Folder of `routes.toml`.
        reads: Tells whether a file that a setting names can be read.

    Raises:
        Misconfigured: With every fault.
    """
    faults: list[str] = []
    settings: Settings | None = None
    routes: RouteTable | None = None
    try:
        settings = Settings.from_env(environ)
        faults += connection_faults(settings, environ, reads=reads)
    except Misconfigured as error:
        faults.append(str(error))
    in_blob = environ.get("ROUTES_BLOB", "").strip()
    try:
        routes = None if in_blob else _routes(environ, settings, root)
    except Misconfigured as error:
        faults.append(str(error))
    if settings is not None:
        faults += _routes_faults(settings, routes)
    if settings is None or faults:
        raise Misconfigured(" ".join(faults))
    return settings, routes


def read_table(settings: Settings, toml: str, *, origin: str) -> RouteTable:
    """Read routes with the defaults of the settings.

    Raises:
        Misconfigured: With every fault.
    """
    table = load_routes(
        root=APP_ROOT,
        inline=toml,
        origin=origin,
        when_paused=settings.when_paused,
        logical_date=settings.logical_date,
    )
    if faults := _routes_faults(settings, table):
        raise Misconfigured(" ".join(faults))
    return table


def _routes_faults(settings: Settings, routes: RouteTable | None) -> list[str]:
    """Return where the routes and the settings contradict each other."""
    if routes is None:
        others = (("AIRFLOW_ROUTES", settings.routes), ("ROUTES_FILE", settings.routes_file))
        return [f"ROUTES_BLOB and {name} are both set: keep one of them." for name, value in others if value]
    container = settings.bindings.container
    if routes.watch and container not in routes.watch:
        watch = ", ".join(routes.watch)
        return [f"LANDING_PATH is of {container}, which the routes do not watch ([landing] watch: {watch})."]
    return []


def _routes(environ: Mapping[str, str], settings: Settings | None, root: Path) -> RouteTable:
    if settings is None:
        # The routes' own faults are reported beside those of the settings.
        inline, file, dag_id = (
            environ.get(name, "").strip() for name in ("AIRFLOW_ROUTES", "ROUTES_FILE", "AIRFLOW_DAG_ID")
        )
        return load_routes(root=root, inline=inline, file=file, dag_id=dag_id)
    return load_routes(
        root=root,
        inline=settings.routes,
        file=settings.routes_file,
        dag_id=settings.airflow_dag_id,
        when_paused=settings.when_paused,
        logical_date=settings.logical_date,
    )
