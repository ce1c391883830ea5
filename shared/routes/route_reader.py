"""`read_route`: read one route of a file, and check its keys together."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from shared.model.blob_event import BlobEvent
from shared.model.conf import RESERVED
from shared.routes import keys
from shared.routes.batch_reader import read_batch
from shared.routes.completeness import DEFAULTS, SUCCESS, Default, is_for_folders, refusal
from shared.routes.dag_reader import read_dag
from shared.routes.faults import Faults
from shared.routes.filters import Filters
from shared.routes.hints import container_fault
from shared.routes.lines import Path
from shared.routes.matcher import Literal, Moment
from shared.routes.pattern import Pattern
from shared.routes.requirement import Requirement, compile_requirement
from shared.routes.route import EVENT_TIME, NO_DATE, Route
from shared.routes.template import Template, compile_template, compile_value

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_route(
    place: Path, table: Mapping[str, Any], faults: Faults, base: Mapping[str, Any]
) -> Route | None:
    """Return the route, or None and its faults.

    Args:
        place: Place of the route in the file.
        table: The route as TOML gave it.
        faults: Collects what is wrong.
        base: Defaults of `when_paused`, `logical_date` and `complete`.
    """
    before = len(faults)
    _check_keys(place, table, faults)
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key in keys.ROUTE:
            what = f"{key} = {keys.shown(value)}"
            values[key] = faults.attempt((*place, key), what, partial(keys.ROUTE[key], value))
    if len(faults) > before:
        return None
    pattern: Pattern = values["match"]
    if fault := container_fault(pattern.text):
        faults.add((*place, "match"), f"match = {keys.shown(pattern.text)} {fault}")
        return None
    if values.get("max_size", values.get("min_size", 0)) < values.get("min_size", 0):
        faults.add((*place, "max_size"), "max_size is below min_size, so no blob matches")
    if not values.get("ignore"):
        values = {**base, **values, "complete": {**base["complete"], **values.get("complete", {})}}
        values["complete"] = _complete(place, values, faults)
        values["conf"] = _conf(place, values.get("conf", {}), pattern, faults)
        values |= read_dag(place, values, faults)
        values["requires"] = _requires(place, values, faults)
        values["ordered"] = _ordered(place, values, faults)
        values["logical_date"] = faults.attempt(
            (*place, "logical_date"),
            f"logical_date = {keys.shown(values['logical_date'])}",
            lambda: _date(values["logical_date"], pattern),
        )
    if len(faults) == before and not values.get("ignore"):
        values["batch"] = read_batch(place, values, faults)
    if len(faults) > before:
        return None
    filters = Filters(**{key: values.pop(key) for key in keys.FILTERS if key in values})
    return Route(**{"dag_id": None, "id": values["name"], **values}, filters=filters, line=faults.line(place))


def _check_keys(place: Path, table: Mapping[str, Any], faults: Faults) -> None:
    ignore = table.get("ignore") is True
    for key in table:
        if key not in keys.ROUTE:
            faults.add((*place, key), f"{key} is not a key of a route{keys.near(key, keys.ROUTE)}")
        elif ignore and key in keys.RUN:
            faults.add(
                (*place, key), f"{key} has no effect beside ignore = true, which starts no run; remove it"
            )
    for key in ("name", "match", "dag_id"):
        if key not in table and not (ignore and key == "dag_id"):
            faults.add(place, f"{key} is missing")


def _complete(place: Path, values: Mapping[str, Any], faults: Faults) -> dict[str, Default]:
    """Return the defaults that are on; one that refuses all that `match` fits is a mistake."""
    pattern: Pattern = values["match"]
    complete = {
        key: default
        for key, default in DEFAULTS.items()
        if values["complete"].get(key, True) and not (default.unless and default.unless in pattern.text)
    }
    if is_for_folders(pattern.text):
        complete.pop("success_marker", None)
        if values.get("ignore_empty") or values.get("min_size"):
            faults.add(
                (*place, "match"),
                f"{SUCCESS} is empty: the route can never fire with ignore_empty or min_size",
            )
    name = "".join(step.text if isinstance(step, Literal) else "1" for step, _ in pattern.steps)
    if key := refusal(_sample(name), None, complete):
        faults.add(
            (*place, "match"),
            f"complete.{key} refuses every name that matches {pattern.text!r}, so the route can never fire;"
            f" if such files are wanted, add complete = {{ {key} = false }}",
        )
    return complete


def _conf(place: Path, conf: Mapping[str, Any], pattern: Pattern, faults: Faults) -> dict[str, object]:
    compiled: dict[str, object] = {}
    for key, value in conf.items():
        where = (*place, "conf", key)
        if key in RESERVED:
            faults.add(
                where, f"conf.{key} is a fact of the blob, which no route can replace; choose another name"
            )
        compiled[key] = faults.attempt(
            where,
            f"conf.{key} = {keys.shown(value)}",
            partial(compile_value, value, pattern.captures),
        )
    return compiled


def _requires(place: Path, values: Mapping[str, Any], faults: Faults) -> tuple[Requirement, ...]:
    texts = values.get("requires", ())
    if "requires_within" in values and not texts:
        faults.add((*place, "requires_within"), "requires_within has no effect without requires; remove it")
    found = [
        faults.attempt(
            (*place, "requires"),
            f"requires = {keys.shown(text)}",
            partial(compile_requirement, text, values["match"]),
        )
        for text in texts
    ]
    return tuple(requirement for requirement in found if requirement)


def _ordered(place: Path, values: Mapping[str, Any], faults: Faults) -> Template | None:
    value = values.get("ordered", False)
    if isinstance(value, bool):
        return compile_template("", ()) if value else None
    return faults.attempt(
        (*place, "ordered"),
        f"ordered = {keys.shown(value)}",
        lambda: keys.group(value, values["match"].captures),
    )


def _date(text: str, pattern: Pattern) -> str:
    """Read `none`, `event_time`, or one date capture in braces."""
    if text in {NO_DATE, EVENT_TIME}:
        return text
    if text == f"{{{text[1:-1]}}}" and isinstance(pattern.captures.get(text[1:-1]), Moment):
        return text
    msg = f"must be {NO_DATE}, {EVENT_TIME}, or one date capture of match, such as {{day}}"
    raise ValueError(msg)


def _sample(path: str) -> BlobEvent:
    """Make up a blob that only its name can refuse."""
    container, _, name = path.partition("/")
    return BlobEvent(
        account="-", container=container or "-", name=name or "-", etag="-", size=1, event_time=_EPOCH, url=""
    )
