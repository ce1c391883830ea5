"""`read_routes`: read a TOML text into a route table, and check it as a whole."""

from collections.abc import Mapping
from typing import Any

from shared.model.errors import Misconfigured
from shared.model.run_request import WhenPaused
from shared.routes import keys
from shared.routes.faults import Faults
from shared.routes.lines import Path
from shared.routes.route import NO_DATE, Route
from shared.routes.route_reader import read_route
from shared.routes.table import RouteTable
from shared.routes.toml_reader import read_toml
from shared.routes.top_reader import read_landing, read_tests

_ROUTE, _COMPLETE, _LANDING, _TEST = "route", "complete", "landing", "test"
_TOP: Mapping[str, object] = dict.fromkeys((_ROUTE, _COMPLETE, _LANDING, _TEST))


def read_routes(
    toml: str, *, origin: str, when_paused: WhenPaused = WhenPaused.QUEUE, logical_date: str = NO_DATE
) -> RouteTable:
    """Return the table that a TOML text describes.

    `when_paused` and `logical_date` (`none` or `event_time`) are the defaults of the routes.

    Raises:
        Misconfigured: With every fault, each with its line, its route and what to do. `origin` names the
            source of the text.
    """
    document = read_toml(toml, origin=origin)
    faults = Faults(toml)
    routes = _read_document(document, faults, {"when_paused": when_paused, "logical_date": logical_date})
    faults.route = ""
    watch = read_landing(document.get(_LANDING, {}), faults)
    tests = read_tests(document.get(_TEST, []), faults)
    if faults:
        msg = f"{origin} is unusable:{faults}"
        raise Misconfigured(msg)
    return RouteTable(routes, watch=watch, tests=tests)


def _read_document(document: dict[str, Any], faults: Faults, base: dict[str, Any]) -> list[Route]:
    for key in document:
        if key not in _TOP:
            faults.add((key,), f"{key} is not a key of a file of routes{keys.near(key, _TOP)}")
    value = document.get(_COMPLETE, {})
    complete = faults.attempt((_COMPLETE,), f"complete = {keys.shown(value)}", lambda: keys.switches(value))
    tables = document.get(_ROUTE, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        faults.add(
            (_ROUTE,), "a route begins with [[route]], in double brackets, because there may be several"
        )
        return []
    if not tables:
        faults.add((), "there is no [[route]], so no blob would start anything")
    routes = []
    taken: dict[tuple[str, str], int] = {}
    for index, table in enumerate(tables):
        place = (_ROUTE, index)
        name = table.get("name")
        faults.route = f", route {name!r}" if isinstance(name, str) else f", route number {index + 1}"
        _check_unique(place, table, taken, faults)
        if route := read_route(place, table, faults, {**base, "complete": complete or {}}):
            routes.append(route)
            if route.ignore and index == len(tables) - 1:
                faults.add(
                    place, "ignore does nothing on the last route: put it above the routes that it is for"
                )
    return routes


def _check_unique(
    place: Path, table: Mapping[str, object], taken: dict[tuple[str, str], int], faults: Faults
) -> None:
    """Add a fault for a name or an id that a route above has; `taken` holds the line of each."""
    key = "id" if "id" in table else "name"
    for what, value in (("name", table.get("name")), ("id", table.get(key))):
        if not isinstance(value, str):
            continue
        if line := taken.get((what, value)):
            msg = f"the route of line {line} already has the {what} {value!r}"
            why = ", and run ids are made of ids: give one of the two another id" if what == "id" else ""
            faults.add((*place, key if what == "id" else what), msg + why)
            return
        taken[what, value] = faults.line(place)
