"""What a file of routes has beside its routes: the containers to watch, and tests."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from shared.model.container import CONTAINER_RULE, is_container
from shared.routes import keys
from shared.routes.faults import Faults
from shared.routes.lines import Path
from shared.routes.self_test import SelfTest


def _containers(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        msg = 'must be a list of containers such as ["landing", "lake"]'
        raise ValueError(msg)
    for item in value:
        if not isinstance(item, str) or not is_container(item):
            msg = f"has {keys.shown(item)}, which is no name of a container: it has {CONTAINER_RULE}"
            raise ValueError(msg)
    if len(set(value)) < len(value):
        msg = "names a container twice"
        raise ValueError(msg)
    return tuple(value)


def _blob(value: object) -> str:
    container, _, name = keys.text(value).partition("/")
    if not container or not name:
        msg = "must be container/name, such as landing/orders/20.csv"
        raise ValueError(msg)
    return f"{container}/{name}"


def _dags(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        msg = 'must be a list of DAGs such as ["load_orders"], or [] for none'
        raise ValueError(msg)  # noqa: TRY004  (a fault of the file)
    return tuple(map(keys.dag_id, value))


_LANDING: Mapping[str, Callable[[object], object]] = {"watch": _containers}
_TEST: Mapping[str, Callable[[object], object]] = {
    "blob": _blob,
    "starts": _dags,
    "conf": keys.table,
    "size": keys.integer(0, "bytes"),
    "content_type": keys.text,
    "metadata": keys.texts_by_key,
}


def read_landing(value: object, faults: Faults) -> tuple[str, ...]:
    """Return the containers to watch; none where the file does not say."""
    if not isinstance(value, dict):
        faults.add(("landing",), 'landing must be a table: [landing], and below it watch = ["landing"]')
        return ()
    found = _read(("landing",), value, _LANDING, faults, what="[landing]")
    watch: tuple[str, ...] = found.get("watch") or ()
    return watch


def read_tests(value: object, faults: Faults) -> list[SelfTest]:
    """Return the tests of the file."""
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        faults.add(("test",), "a test begins with [[test]], in double brackets, because there may be several")
        return []
    tests = []
    for index, table in enumerate(value):
        place, before = ("test", index), len(faults)
        found = _read(place, table, _TEST, faults, what="a test")
        for key in ("blob", "starts"):
            if key not in table:
                faults.add(place, f"{key} is missing in the test")
        if len(faults) == before:
            tests.append(SelfTest(**found, line=faults.line(place)))
    return tests


def _read(
    place: Path,
    table: Mapping[str, Any],
    known: Mapping[str, Callable[[object], object]],
    faults: Faults,
    *,
    what: str,
) -> dict[str, Any]:
    values = {}
    for key, value in table.items():
        if key not in known:
            faults.add((*place, key), f"{key} is not a key of {what}{keys.near(key, known)}")
            continue
        shown = f"{key} = {keys.shown(value)}"
        values[key] = faults.attempt((*place, key), shown, partial(known[key], value))
    return values
