"""Stand-ins that several tests share."""

from pathlib import Path

from shared.routes.load import load_routes
from shared.routes.table import RouteTable


def routes(toml: str = "", dag_id: str = "copy_file") -> RouteTable:
    """Give a table of routes, by default the one route of `AIRFLOW_DAG_ID`."""
    return load_routes(root=Path("no-such-folder"), inline=toml, dag_id=dag_id)
