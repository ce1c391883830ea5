"""`load_routes`: find the routes that the app settings name."""

from pathlib import Path

from shared.model.errors import Misconfigured
from shared.model.run_request import WhenPaused
from shared.routes.pattern import compile_pattern
from shared.routes.route import NO_DATE, Route
from shared.routes.table import RouteTable
from shared.routes.template import compile_template

DEFAULT_FILE = "routes.toml"
DEFAULT_ROUTE = "default"
"""Name of the one route without a file: a file's route of this name keeps its run ids."""


def load_routes(
    *,
    root: Path,
    inline: str = "",
    origin: str = "AIRFLOW_ROUTES",
    file: str = "",
    dag_id: str = "",
    when_paused: WhenPaused = WhenPaused.QUEUE,
    logical_date: str = NO_DATE,
) -> RouteTable:
    """Return the routes: of `inline`, or else of the file, or else one for `dag_id` that matches every blob.

    Args:
        root: Folder that `file` is relative to: the app's.
        inline: TOML (`AIRFLOW_ROUTES`).
        origin: Name of what holds that, for messages.
        file: Path (`ROUTES_FILE`); empty for `routes.toml`, which need not exist.
        dag_id: The DAG of every blob (`AIRFLOW_DAG_ID`); not used where there are routes.
        when_paused: Default of the routes.
        logical_date: Default of the routes: `none` or `event_time`.

    Raises:
        Misconfigured: The routes are unusable, or there are none.
    """
    path = root / (file or DEFAULT_FILE)
    if inline or file or path.exists():
        # One DAG for everything needs no reader: a cold start does not wait for it.
        from shared.routes.reader import read_routes  # noqa: PLC0415

        text, origin = (inline, origin) if inline else (_text(path), path.name)
        return read_routes(text, origin=origin, when_paused=when_paused, logical_date=logical_date)
    if not dag_id:
        msg = (
            f"No blob would start anything: set AIRFLOW_DAG_ID, or write {DEFAULT_FILE} (see docs/routes.md)."
        )
        raise Misconfigured(msg)
    everything = Route(
        id=DEFAULT_ROUTE,
        name=DEFAULT_ROUTE,
        match=compile_pattern("**"),
        dag_id=compile_template(dag_id.replace("{", "{{").replace("}", "}}"), ()),
        when_paused=when_paused,
        logical_date=logical_date,
    )
    return RouteTable([everything])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # Windows editors write a byte order mark
    except (OSError, UnicodeError) as error:
        msg = f"ROUTES_FILE={path.name!a} cannot be read: {error}."
        raise Misconfigured(msg) from error
