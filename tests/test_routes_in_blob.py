"""`ROUTES_BLOB`: the app from the upload of a file of routes to the run, without a restart."""

import pytest
from azure.storage.blob import BlobServiceClient

from shared.app import App
from shared.event_log import EventLog
from shared.storage.outbox import TABLE as OUTBOX
from tests.support.airflow_server import AirflowServer, airflow_server
from tests.support.clock import FakeClock
from tests.support.rows import read_rows

pytestmark = pytest.mark.stack


def _toml(dag_id: str, more: str = "") -> str:
    return f'{more}[[route]]\nname = "all"\nmatch = "**"\ndag_id = "{dag_id}"\n'


class Stack:
    """An app whose routes are in a blob, on an account of its own."""

    def __init__(self, storage_account: str, airflow: AirflowServer) -> None:
        self.clock = FakeClock()
        self.log = EventLog()
        self.airflow = airflow
        airflow.dags |= {"first", "second", "load"}
        self.service = BlobServiceClient.from_connection_string(storage_account)
        for container in ("landing", "lake", "airflow-routes"):
            self.service.create_container(container)
        environ = {
            "AIRFLOW_BASE_URL": airflow.base_url,
            "AIRFLOW_AUTH": "none",
            "ROUTES_BLOB": "airflow-routes/routes.toml",
            "AzureWebJobsStorage": storage_account,
            "LandingStorage": storage_account,
        }
        self.app = App(environ, self.log, self.clock.timing())

    def push(self, toml: str) -> None:
        """Upload routes, and let a minute pass in which something lands."""
        self.service.get_blob_client("airflow-routes", "routes.toml").upload_blob(toml, overwrite=True)
        self.clock.now += 61

    def land(self, name: str, container: str = "landing") -> None:
        """Let a file land."""
        self.service.get_blob_client(container, name).upload_blob(b"x")
        self.app.on_blob(container, name)

    @property
    def runs(self) -> list[tuple[str, str]]:
        """The DAG and the file of each run."""
        return sorted((dag_id, body["conf"]["filename"]) for (dag_id, _), body in self.airflow.runs.items())


def test_routes_change_without_a_restart_and_a_bad_version_changes_nothing(storage_account: str) -> None:
    """The event after the look goes by the new routes; one that nobody can use is passed over, loudly."""
    with airflow_server() as airflow:
        stack = Stack(storage_account, airflow)
        stack.push(_toml("first"))
        stack.land("1")
        stack.push(_toml("second"))
        stack.app.dispatch()
        stack.land("2")
        stack.push("no routes")
        stack.app.dispatch()
        stack.land("3")

        assert stack.runs == [("first", "1"), ("second", "2"), ("second", "3")]
        assert stack.log.counts["routes.rejected"] == 1


def test_events_wait_until_there_are_routes(storage_account: str) -> None:
    """An app that starts before its routes are there loses nothing, and needs no restart."""
    with airflow_server() as airflow:
        stack = Stack(storage_account, airflow)
        stack.land("1")
        assert stack.runs == []
        assert [row["reason"] for row in read_rows(storage_account, OUTBOX)] == ["misconfigured"]

        stack.push(_toml("load"))
        stack.app.dispatch()

        assert stack.runs == [("load", "1")]
        assert stack.log.counts["app.misconfigured"] == 1


def test_containers_to_watch_come_with_the_routes(storage_account: str) -> None:
    """Before they are named, an event of the lake is a dead letter."""
    with airflow_server() as airflow:
        stack = Stack(storage_account, airflow)
        stack.push(_toml("load"))
        stack.land("1", "lake")
        stack.push(_toml("load", '[landing]\nwatch = ["landing", "lake"]\n'))
        stack.app.dispatch()
        stack.land("2", "lake")
        stack.land("3")

        assert stack.runs == [("load", "2"), ("load", "3")]
        assert [row["reason"] for row in read_rows(storage_account, "airflowdead")] == ["not_watched"]
