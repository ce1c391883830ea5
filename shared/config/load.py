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
) -> tuple[Settings, RouteTable]:
    """Read and check everything that needs no connection.

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
    try:
        routes = _routes(environ, settings, root)
    except Misconfigured as error:
        faults.append(str(error))
    except RecursionError:
        faults.append("The routes are nested too deeply.")
    if settings is None or routes is None or faults:
        raise Misconfigured(" ".join(faults))
    return settings, routes


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
