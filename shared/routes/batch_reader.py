"""`read_batch`: the `batch` of a route, and what cannot stand beside it."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from shared.model.container import is_container
from shared.routes import keys
from shared.routes.batching import Batching
from shared.routes.faults import Faults
from shared.routes.hints import container_of
from shared.routes.lines import Path
from shared.routes.template import templates

_DURATION = keys.duration(timedelta(seconds=10), timedelta(days=7))
_KEYS: Mapping[str, Callable[[object], object]] = {
    "by": keys.text,
    "quiet": _DURATION,
    "at_most": _DURATION,
    "count": keys.integer(1, "files"),
    "max_files": keys.integer(1, "files"),
}


def read_batch(place: Path, values: Mapping[str, Any], faults: Faults) -> Batching | None:
    """Return how the files of a route are batched; None if each has a run of its own."""
    if "batch" not in values:
        return None
    where = (*place, "batch")
    found: dict[str, Any] = {}
    for key, value in values["batch"].items():
        if key in _KEYS:
            what = f"batch.{key} = {keys.shown(value)}"
            found[key] = faults.attempt((*where, key), what, partial(_KEYS[key], value))
        else:
            meant = keys.near(key, _KEYS) or f"; its keys are {', '.join(_KEYS)}"
            faults.add(where, f"{key} is not a key of batch{meant}")
    if any(value is None for value in found.values()):
        return None
    if by := found.get("by"):
        captures = values["match"].captures
        template = faults.attempt(where, f"batch.by = {keys.shown(by)}", lambda: keys.group(by, captures))
        found["by"] = tuple(dict.fromkeys(template.names)) if template else ()
    batching = Batching(**found)
    if batching.at_most < batching.quiet:
        faults.add(where, "batch.at_most is below batch.quiet, so that nothing would wait for quiet")
    _check_others(place, values, batching, faults)
    return batching


def _check_others(place: Path, values: Mapping[str, Any], batching: Batching, faults: Faults) -> None:
    """Add a fault for each key that says something about one file, which a run of many does not have."""
    for key in ("requires", "ordered"):
        if values.get(key):
            faults.add((*place, key), f"{key} cannot stand beside batch: a run of many files has no one file")
    if not is_container(container_of(values["match"].text)):
        faults.add(
            (*place, "match"), "batch needs one container: match must begin with its name, such as landing/"
        )
    known = ", ".join(f"{{{name}}}" for name in batching.by) or "none"
    for key, value in values["conf"].items():
        for name in (name for template in templates(value) for name in template.names):
            if name not in batching.by:
                faults.add(
                    (*place, "conf", key),
                    f"conf.{key} has {{{name}}}, which differs among the files of a batch; "
                    f"batch.by has {known}",
                )
    date = str(values["logical_date"])
    if date.startswith("{") and date[1:-1] not in batching.by:
        faults.add(
            (*place, "logical_date"),
            f"logical_date = {date} differs among the files of a batch; batch.by has {known}",
        )
