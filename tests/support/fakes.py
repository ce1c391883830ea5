"""Stand-ins that several tests share."""

from pathlib import Path

from shared.routes.load import load_routes
from shared.routes.table import RouteTable


def routes(toml: str = "", dag_id: str = "copy_file") -> RouteTable:
    """Return a table of routes, by default the one route of `AIRFLOW_DAG_ID`."""
    return load_routes(root=Path("no-such-folder"), inline=toml, dag_id=dag_id)


def lane_routes(*names: str, **more: str) -> RouteTable:
    """Return a route for each name: the blobs below `landing/<name>/` start the DAG `<name>`.

    Args:
        names: Of the routes.
        more: By name, further lines of a route.
    """
    return routes(
        "".join(
            f'[[route]]\nname = "{name}"\nmatch = "landing/{name}/**"\n'
            f'dag_id = "{name}"\n{more.get(name, "")}\n'
            for name in names
        )
    )
