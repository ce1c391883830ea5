"""One contract for all generations: the same assertions against real Airflows 1.10, 2 and 3."""

import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import jwt
import pytest

from shared.airflow.client import Delivery
from shared.model.errors import CredentialsRefused, DagMissing, RunRefused
from shared.model.run_id import run_id
from tests.airflow.harness import AirflowHarness, client_of, deliver, run_request
from tests.support.samples import blob_event

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]

INSTANT = datetime(2026, 11, 20, 6, 30, 15, 999_999, tzinfo=UTC)


def test_asked_server_says_which_generation_it_is(harness: AirflowHarness) -> None:
    """AIRFLOW_API=auto, the default, finds the dialect; the log-in follows from it."""
    client = harness.client()

    assert client.api == harness.api
    assert client.version().startswith({"experimental": "1.10", "v1": "2.11.", "v2": "3.3."}[harness.api])


def test_new_run_is_created_and_repeated_one_is_already_there(harness: AirflowHarness) -> None:
    """A repeated delivery makes no second run."""
    client = harness.client()
    run = run_request()

    assert client.trigger(run) is Delivery.CREATED
    assert client.trigger(run) is Delivery.ALREADY_THERE
    assert harness.run_ids("contract_take", run.run_id) == [run.run_id]


@pytest.mark.generations("v2")
def test_run_of_a_file_is_found_by_what_its_id_shows(harness: AirflowHarness) -> None:
    """As `docs/airflow.md` says, also where the name is not ASCII."""
    blob = blob_event(name=f"in/{uuid.uuid4().hex} Größe & Maß.csv")
    run = run_request(run_id=run_id(blob, route="default"))
    harness.client().trigger(run)

    shown = run.run_id.split("__")[1]
    assert shown.endswith("_Gr_e_Ma_.csv")
    found = harness.get("dags/contract_take/dagRuns", run_id_pattern=f"%{shown}%")
    assert [each["dag_run_id"] for each in found["dag_runs"]] == [run.run_id]


def test_run_is_looked_up_by_its_id(harness: AirflowHarness) -> None:
    """A run has a state, one that is not there has none."""
    client = harness.client()
    run = run_request()
    client.trigger(run)

    assert client.find("contract_take", run.run_id) in {"queued", "running", "success"}
    assert client.find("contract_take", "t-never-sent") is None


@pytest.mark.generations("v1", "v2")
def test_hostile_conf_arrives_as_it_is(harness: AirflowHarness) -> None:
    """A file name is data. Airflow 1.10's API does not give a run's conf back."""
    conf = {"filename": 'it\'s "{{ ds }}"\n%2F ../é😀', "size": 0, "metadata": {"a": "b"}}
    run = run_request(conf=conf)
    harness.client().trigger(run)

    assert harness.get(f"dags/contract_take/dagRuns/{run.run_id}")["conf"] == conf


def test_missing_dag_is_tried_again(harness: AirflowHarness) -> None:
    """It may not be deployed yet; the message gives near names, where Airflow lists DAGs."""
    client = harness.client()
    client.trigger(run_request())

    with pytest.raises(DagMissing, match="contract_taek") as caught:
        client.trigger(run_request(dag_id="contract_taek"))
    assert "Similar names: contract_take" in str(client.explained(caught.value, "contract_taek"))


def test_paused_dag_takes_the_run_and_it_waits(harness: AirflowHarness) -> None:
    """No generation refuses; the runs of paused DAGs are counted apart."""
    client = harness.client()
    run = run_request(dag_id="contract_paused")
    before = client.count_waiting("contract_paused")

    assert client.trigger(run) is Delivery.CREATED
    assert client.is_paused("contract_paused")
    assert not client.is_paused("contract_take")
    assert client.find("contract_paused", run.run_id) in {"queued", "running"}
    after = client.count_waiting("contract_paused")
    assert (after.of_active_dags, after.of_paused_dags) == (0, before.of_paused_dags + 1)
    assert client.count_waiting().of_paused_dags >= 1


def test_dag_that_is_not_there_has_no_state(harness: AirflowHarness) -> None:
    """A missing DAG differs from a paused one."""
    client = harness.client()

    assert client.dag("nope") is None
    assert "contract_take" in set(client.dag_ids())


def test_bad_password_is_refused_and_starts_nothing(harness: AirflowHarness) -> None:
    """In each generation another status, here one error."""
    run = run_request()

    with pytest.raises(CredentialsRefused):
        harness.client(AIRFLOW_PASSWORD="wrong").trigger(run)
    assert harness.run_ids("contract_take", run.run_id) == []


def test_changed_password_costs_no_event(harness: AirflowHarness) -> None:
    """The refusal makes the client look for newer credentials and send the same run again."""
    environ = harness.environment(AIRFLOW_PASSWORD="old")
    client = client_of(environ, harness.log)
    run = run_request()
    with pytest.raises(CredentialsRefused):
        client.trigger(run)
    environ["AIRFLOW_PASSWORD"] = harness.airflow.password

    assert client.trigger(run) is Delivery.CREATED


@pytest.mark.generations("v2")
def test_expired_token_is_replaced_within_the_call(harness: AirflowHarness) -> None:
    """Airflow 3 answers 401 to an expired token; one new log-in, and the run is there."""
    good = jwt.decode(harness.log_in("admin", harness.airflow.password), options={"verify_signature": False})
    expired = {**good, "exp": int(time.time()) - 60, "iat": int(time.time()) - 3600}
    token = jwt.encode(expired, harness.airflow.place.secret, algorithm="HS512")
    client = harness.client(AIRFLOW_API="v2", AIRFLOW_AUTH="bearer", AIRFLOW_TOKEN=token)
    with pytest.raises(CredentialsRefused, match="401"):
        client.trigger(run_request())
    environ = harness.environment(AIRFLOW_API="v2", AIRFLOW_AUTH="bearer", AIRFLOW_TOKEN=token)
    client = client_of(environ, harness.log)
    client.version()
    environ["AIRFLOW_TOKEN"] = harness.log_in("admin", harness.airflow.password)

    assert client.trigger(run_request()) is Delivery.CREATED


@pytest.mark.generations("v1", "v2")
def test_params_that_fail_are_refused_for_good(harness: AirflowHarness) -> None:
    """Airflow's own words are in the reason. Airflow 1.10 has no checked params."""
    with pytest.raises(RunRefused, match="Invalid input for param filename"):
        harness.client().trigger(run_request(dag_id="contract_params", conf={}))


def test_two_blobs_of_one_instant_get_a_run_each(harness: AirflowHarness) -> None:
    """A date that another run has is moved within its second; the run id stays."""
    client = harness.client()
    runs = [run_request(logical_date=INSTANT) for _ in range(3)]
    try:
        deliveries = [deliver(client, run, timeout_seconds=60) for run in runs]
        repeated = [deliver(client, run, timeout_seconds=60) for run in runs]
    finally:
        key = "execution_date" if harness.api == "experimental" else "logical_date"
        found = {
            str(run.get("dag_run_id") or run.get("run_id")): str(run[key])
            for run in harness.runs("contract_take")
        }

    assert deliveries == ["created"] * 3
    assert repeated == ["already_there"] * 3
    dates = [found[run.run_id] for run in runs]
    assert len(set(dates)) == 3
    assert {date[:19] for date in dates} == {"2026-11-20T06:30:15"}


def test_200_blobs_at_once_make_200_runs(harness: AirflowHarness) -> None:
    """No more, no less, although SQLite answers some with 500."""
    client = harness.client(AIRFLOW_READ_TIMEOUT_SECONDS="60")
    prefix = f"many-{time.time_ns()}-"
    runs = [run_request(run_id=f"{prefix}{number:03}") for number in range(200)]
    with ThreadPoolExecutor(harness.threads) as pool:
        results = list(pool.map(lambda run: deliver(client, run, timeout_seconds=600), runs))

    assert harness.run_ids("contract_take", prefix) == [run.run_id for run in runs]
    assert len(results) == 200


def test_50_deliveries_of_one_blob_at_once_make_one_run(harness: AirflowHarness) -> None:
    """All end well, one of them at most has made the run."""
    client = harness.client(AIRFLOW_READ_TIMEOUT_SECONDS="60")
    run = run_request()
    with ThreadPoolExecutor(harness.threads) as pool:
        results = Counter(pool.map(lambda _: deliver(client, run, timeout_seconds=300), range(50)))

    assert harness.run_ids("contract_take", run.run_id) == [run.run_id]
    # None where the answer to the one that made it was lost (a 500 after the commit).
    assert results["created"] <= 1
    assert results.total() == 50
