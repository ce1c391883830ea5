"""The example DAGs, run by a real Airflow 3 against a real Azurite."""

import json
from typing import Any

import pytest
import requests
from azure.storage.blob import BlobServiceClient, ContainerClient

from local.airflow import Airflow, DagRun, logged_conf
from local.azurite import Azurite

pytestmark = [pytest.mark.airflow, pytest.mark.stack]


def _run(airflow: Airflow, dag_id: str, conf: dict[str, Any] | None) -> DagRun:
    return airflow.api.wait_for_run(dag_id, airflow.api.trigger(dag_id, conf))


def _logged_conf(airflow: Airflow, dag_id: str, run_id: str, task_id: str) -> Any:
    conf = logged_conf(airflow.api.task_log(dag_id, run_id, task_id))
    return json.loads(conf) if conf is not None else None


def test_every_example_is_read_without_errors(airflow: Airflow) -> None:
    """All files of the folder are DAGs that Airflow takes."""
    errors = airflow.api.import_errors()
    dag_ids = airflow.api.dag_ids()

    assert errors == []
    assert dag_ids == {path.stem for path in airflow.dags_folder.glob("*.py")}


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("plain.csv", b"a,b\n1,2\n"),
        ("empty.csv", b""),
        ("folder/größe und maß 数.csv", b"\x00\xff" * 40_000),
    ],
)
def test_copy_file_copies_the_file_of_its_conf(
    airflow: Airflow, azurite: Azurite, landing: ContainerClient, filename: str, content: bytes
) -> None:
    """The copy has the same bytes, and the log shows the conf."""
    landing.upload_blob(filename, content)
    conf = {"filename": filename, "container": landing.container_name, "size": len(content)}

    run = _run(airflow, "copy_file", conf)
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        copy = service.get_blob_client("processed", filename).download_blob().readall()

    assert run.state == "success"
    assert copy == content
    assert _logged_conf(airflow, "copy_file", run.run_id, "copy_file") == conf


@pytest.mark.parametrize("conf", [None, {}, {"note": "by hand"}])
def test_copy_file_started_by_hand_says_so_and_succeeds(
    airflow: Airflow, conf: dict[str, Any] | None
) -> None:
    """Without a filename there is nothing to copy; that is no failure."""
    run = _run(airflow, "copy_file", conf)
    log = airflow.api.task_log("copy_file", run.run_id, "copy_file")

    assert run.state == "success"
    assert "no filename in the conf: started by hand? Nothing to copy." in log
    assert _logged_conf(airflow, "copy_file", run.run_id, "copy_file") == (conf or {})


def test_copy_file_of_a_missing_blob_fails(airflow: Airflow, landing: ContainerClient) -> None:
    """A file that is gone is not passed over in silence."""
    run = _run(airflow, "copy_file", {"filename": "gone.csv", "container": landing.container_name})

    assert run.state == "failed"


def test_taskflow_params_reads_declared_params(airflow: Airflow) -> None:
    """Declared values come from the conf or their defaults; other keys of the conf do no harm."""
    conf = {"filename": "in/a b.csv", "size": 12, "etag": "0x8D"}

    run = _run(airflow, "taskflow_params", conf)

    assert run.state == "success"
    assert (
        airflow.api.xcom("taskflow_params", run.run_id, "describe")
        == "landing/in/a b.csv: 12 bytes of unknown type"
    )
    assert _logged_conf(airflow, "taskflow_params", run.run_id, "read_params") == conf


@pytest.mark.parametrize("conf", [{}, {"filename": ""}, {"filename": "a.csv", "size": "12"}])
def test_taskflow_params_refuses_a_conf_that_does_not_fit(airflow: Airflow, conf: dict[str, Any]) -> None:
    """Airflow itself checks the conf when the run is asked for."""
    with pytest.raises(requests.HTTPError, match="400"):
        airflow.api.trigger("taskflow_params", conf)


def test_mapped_files_works_on_each_file_of_a_batch(airflow: Airflow) -> None:
    """A task for each file, and one with the results of all."""
    files = [{"filename": f"in/{number}.csv", "size": number, "etag": "0x8D"} for number in range(4)]

    run = _run(airflow, "mapped_files", {"container": "landing", "file_count": 4, "files": files})

    assert run.state == "success"
    assert airflow.api.xcom("mapped_files", run.run_id, "sum_up") == {"files": 4, "bytes": 6}


def test_xcom_chain_passes_the_filename_on(airflow: Airflow) -> None:
    """The second task has the value that the first one took from the conf."""
    conf = {"filename": "orders/2026/customers.csv"}

    run = _run(airflow, "xcom_chain", conf)

    assert run.state == "success"
    assert airflow.api.xcom("xcom_chain", run.run_id, "take_filename", key="filename") == conf["filename"]
    assert airflow.api.xcom("xcom_chain", run.run_id, "choose_table") == "customers"
    assert _logged_conf(airflow, "xcom_chain", run.run_id, "take_filename") == conf
