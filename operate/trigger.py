"""`trigger`: a run by hand with a conf of one's own, checked before it is sent."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime

from operate.desk import Desk
from operate.errors import DeskError
from shared.model.conf import encode_conf
from shared.model.run_request import RunRequest


def read_conf(text: str) -> dict[str, object]:
    """Return a conf as Airflow takes it.

    Raises:
        DeskError: It is not a JSON object.
    """
    try:
        conf = json.loads(text)
    except ValueError as error:
        msg = f'--conf is not JSON ({error}): write it as \'{{"day": "2026-11-20"}}\'.'
        raise DeskError(msg) from error
    if not isinstance(conf, dict):
        msg = '--conf must be a JSON object, such as \'{"day": "2026-11-20"}\'.'
        raise DeskError(msg)
    return conf


def request_by_hand(
    dag_id: str, conf: Mapping[str, object], *, run_id: str, who: str, now: datetime
) -> RunRequest:
    """Return the run; without a run id one that nobody else has."""
    made_up = f"by-hand__{now:%Y%m%dT%H%M%S}__{uuid.uuid4().hex[:8]}"
    return RunRequest(
        dag_id=dag_id,
        run_id=run_id or made_up,
        conf=conf,
        route="",
        route_id="",
        note=f"By hand, by {who}.",
    )


def faults_of(desk: Desk, run: RunRequest, *, allow_paused: bool) -> list[str]:
    """Return why a run is not worth sending, each as a sentence; what Airflow does not tell is no fault.

    Raises:
        BadConf: It cannot be sent.
        RetryableError: Airflow does not answer.
    """
    encode_conf(run.conf, max_bytes=desk.settings.conf_max_bytes)
    state = desk.airflow.dag(run.dag_id)
    if state is None:
        near = [dag_id for dag_id in desk.airflow.dag_ids() if run.dag_id.lower() in dag_id.lower()][:5]
        known = f" There are: {', '.join(near)}." if near else " `blob-to-dag dags` lists what there is."
        return [f"Airflow has no DAG {run.dag_id!a}.{known}"]
    faults = []
    if state.is_paused and not allow_paused:
        faults.append(f"The DAG {run.dag_id!a} is paused: the run would wait. Unpause it, or --paused.")
    if state.has_import_errors:
        faults.append(f"The DAG {run.dag_id!a} has import errors: `blob-to-dag dags --check` shows them.")
    params = desk.airflow.ask(lambda dialect: dialect.params(run.dag_id))
    missing = [name for name, param in (params or {}).items() if name not in run.conf and is_required(param)]
    if missing:
        faults.append(
            f"The conf lacks {', '.join(sorted(missing))}, which the DAG's params have no value for."
        )
    return faults


def is_required(param: Mapping[str, object]) -> bool:
    """Tell whether a param has no value, and may not be null."""
    schema = param.get("schema")
    types = schema.get("type") if isinstance(schema, dict) else None
    may_be_null = types is None or "null" in (types if isinstance(types, list) else [types])
    return param.get("value") is None and not may_be_null
