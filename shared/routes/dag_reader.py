"""`read_dag`: which DAG a route starts: a text, a text with captures, or a table by a capture."""

from collections.abc import Mapping
from typing import Any

from shared.routes import keys
from shared.routes.faults import Faults
from shared.routes.lines import Path
from shared.routes.matcher import Capture
from shared.routes.template import Template, compile_template


def read_dag(place: Path, values: Mapping[str, Any], faults: Faults) -> dict[str, object]:
    """Return the fields of a route that name its DAGs; what is wrong is added to the faults."""
    if isinstance(values["dag_id"], dict):
        return _table(place, values, faults)
    if "dag_by" in values:
        faults.add((*place, "dag_by"), "dag_by is for a dag_id that is a table; remove it")
    return {"dag_id": _template(place, values, faults)}


def _template(place: Path, values: Mapping[str, Any], faults: Faults) -> Template | None:
    where = (*place, "dag_id")
    what = f"dag_id = {keys.shown(values['dag_id'])}"
    template = faults.attempt(
        where, what, lambda: compile_template(values["dag_id"], values["match"].captures, event_fields=False)
    )
    if template and template.names and "dag_ids" not in values:
        faults.add(
            where,
            f'{what} lets a file name choose the DAG: list the allowed ones, as in dag_ids = ["orders"]',
        )
    if template and not template.names:
        faults.attempt(where, what, lambda: keys.dag_id(values["dag_id"]))
        if "dag_ids" in values:
            faults.add(
                (*place, "dag_ids"),
                "dag_ids is for a dag_id with a capture in it, such as {feed}; remove it",
            )
    return template


def _table(place: Path, values: Mapping[str, Any], faults: Faults) -> dict[str, object]:
    where = (*place, "dag_id")
    if "dag_ids" in values:
        faults.add(
            (*place, "dag_ids"), "dag_ids is for a dag_id with a capture in it; the table lists its DAGs"
        )
    captures: Mapping[str, Capture] = values["match"].captures
    by = values.get("dag_by") or (next(iter(captures)) if len(captures) == 1 else "")
    if by not in captures:
        known = ", ".join(f"{{{name}}}" for name in captures) or "none"
        faults.add(
            (*place, "dag_by") if by else where,
            f"a table of DAGs needs dag_by, the capture that chooses among them; match has {known}",
        )
        return {}
    dags: dict[object, str] = {}
    for key, dag_id in values["dag_id"].items():
        value = captures[by].value(key) if captures[by].fits(key) else None
        if value is None or value in dags:
            why = (
                "is no value that {%s} can have"
                if value is None
                else "is the same value of {%s} as another key"
            )
            faults.add(where, f"dag_id: the key {key!a} {why % by}")
            continue
        dags[value] = dag_id
    return {"dag_id": None, "dag_by": by, "dags": dags}
