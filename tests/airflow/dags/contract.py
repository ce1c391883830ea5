# mypy: ignore-errors
# ruff: noqa: AIR301, AIR311  (the old names are for the old generations)
"""The DAGs that the contract suite triggers, in any generation of Airflow: they do nothing, quickly."""

from datetime import datetime, timezone

from airflow import DAG

try:
    from airflow.providers.standard.operators.empty import EmptyOperator
except ImportError:
    from airflow.operators.dummy_operator import DummyOperator as EmptyOperator

START = datetime(2026, 1, 1, tzinfo=timezone.utc)  # noqa: UP017  (Python 3.8 reads this too)


def make_dag(dag_id, **options):  # noqa: ANN001, ANN003, ANN201
    """Make a DAG of one task that does nothing; the schedule's argument has two names."""
    try:
        dag = DAG(dag_id, start_date=START, catchup=False, schedule=None, **options)
    except TypeError:
        dag = DAG(dag_id, start_date=START, catchup=False, schedule_interval=None, **options)
    EmptyOperator(task_id="take", dag=dag)
    return dag


contract_take = make_dag("contract_take", max_active_runs=1)
contract_clean = make_dag("contract_clean")
contract_paused = make_dag("contract_paused", is_paused_upon_creation=True)

try:
    from airflow.sdk import Param
except ImportError:
    try:
        from airflow.models.param import Param
    except ImportError:
        Param = None
if Param is not None:
    contract_params = make_dag("contract_params", params={"filename": Param(type="string")})
