"""`blob-to-dag routes`, against Azurite: what an operator sees of routes before the app goes by them."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from operate.desk import Desk
from operate.errors import DeskError
from operate.origin import Origin
from operate.pushed_routes import PushedRoutes
from tests.operate.conftest import Shown, run_with

pytestmark = pytest.mark.stack


def toml(dag_id: str, more: str = "") -> str:
    """Return a file whose CSV files start a DAG."""
    return f'[[route]]\nname = "all"\nmatch = "landing/**/{{name}}.csv"\ndag_id = "{dag_id}"\n{more}'


class RoutesDesk:
    """An app that reads its routes from a blob, some files that have landed, and an operator."""

    def __init__(self, settings: Mapping[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = {
            **{name: value for name, value in settings.items() if name != "AIRFLOW_DAG_ID"},
            "ROUTES_BLOB": "airflow-routes/routes.toml",
        }
        self._folder = folder
        self._monkeypatch = monkeypatch
        self.service = BlobServiceClient.from_connection_string(settings["AzureWebJobsStorage"])
        for container in ("airflow-routes", "landing"):
            self.service.create_container(container)
        for name in ("a.csv", "in/b.csv", "c.txt"):
            self.service.get_blob_client("landing", name).upload_blob(b"x")
        self.blob = self.service.get_blob_client("airflow-routes", "routes.toml")

    def file(self, text: str, name: str = "new.toml") -> str:
        """Write a file of the operator."""
        path = self._folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def run(self, *arguments: str) -> Shown:
        """Run `blob-to-dag routes`."""
        return run_with(self.settings, self._monkeypatch, "routes", *arguments)

    @property
    def pushed(self) -> str:
        """What the app reads."""
        return self.blob.download_blob().readall().decode()


@pytest.fixture
def routes(settings: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RoutesDesk:
    """Return an app without routes yet."""
    return RoutesDesk(settings, tmp_path, monkeypatch)


def test_push_checks_shows_what_changes_and_writes(routes: RoutesDesk) -> None:
    """First there is nothing to compare with; then each file that goes elsewhere is counted."""
    first = routes.run("push", routes.file(toml("first")), "--yes")
    assert first.status == 0, first.err
    assert "There are no routes in airflow-routes/routes.toml yet" in first.err

    second = routes.run("push", routes.file(toml("second")), "--yes")

    assert second.status == 0, second.err
    assert "1 route, no fault" in second.out
    assert "all -> first  all -> second  landing/a.csv" in second.out
    assert "2 of 3 files of the last 7d would go elsewhere." in second.err
    assert routes.pushed == toml("second")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[route]]\n", "match is missing"),
        (toml("load", '[[test]]\nblob = "landing/a.csv"\nstarts = []\n'), 'it starts ["load"], not nothing'),
    ],
)
def test_routes_with_a_fault_or_a_failing_test_are_not_pushed(
    routes: RoutesDesk, text: str, said: str
) -> None:
    """The app goes on with what it has."""
    routes.run("push", routes.file(toml("good")), "--yes")

    done = routes.run("push", routes.file(text), "--yes")

    assert done.status == 1
    assert said in done.out + done.err
    assert routes.pushed == toml("good")


def test_strict_refuses_a_warning_and_a_dry_run_writes_nothing(routes: RoutesDesk) -> None:
    """A route for a container that is not watched is a warning."""
    lake = routes.file(toml("load").replace("landing", "lake"))

    assert routes.run("push", lake, "--strict", "--yes").status == 1
    assert routes.run("push", lake, "--dry-run").status == 0
    assert not routes.blob.exists()


def test_push_without_a_word_of_consent_writes_nothing(routes: RoutesDesk) -> None:
    """Nobody is there to be asked."""
    done = routes.run("push", routes.file(toml("load")))

    assert done.status == 1
    assert "give --yes" in done.err
    assert not routes.blob.exists()


def test_push_does_not_overwrite_what_another_operator_pushed_meanwhile(routes: RoutesDesk) -> None:
    """Neither the first version nor a later one."""
    pushed = PushedRoutes(Desk(origin=Origin(title="the test's app", settings=routes.settings)))
    for seen in (None, "read"):
        before = pushed.read() if seen else None
        routes.blob.upload_blob(toml("other"), overwrite=True)

        with pytest.raises(DeskError, match="meanwhile: nothing was pushed"):
            pushed.write(toml("mine"), before)
    assert routes.pushed == toml("other")


def test_push_says_that_an_app_has_no_blob_for_its_routes(routes: RoutesDesk) -> None:
    """And what to do."""
    routes.settings.pop("ROUTES_BLOB")
    routes.settings["AIRFLOW_DAG_ID"] = "load"

    done = routes.run("push", routes.file(toml("load")), "--yes")

    assert done.status == 1
    assert "does not read its routes from a blob: set ROUTES_BLOB" in done.err


def test_diff_compares_a_file_with_the_app_or_two_files(routes: RoutesDesk) -> None:
    """On the files that are really there, without a call for each."""
    routes.run("push", routes.file(toml("old")), "--yes")
    txt = routes.file(toml("old").replace(".csv", ".txt"))

    with_app = routes.run("diff", txt)
    assert with_app.status == 0, with_app.err
    assert "3 of 3 files" in with_app.err
    assert "all -> old         nothing: no_route  landing/a.csv" in with_app.out
    narrow = routes.run("diff", txt, "--prefix", "landing/in/")
    assert "1 of 1 files" in narrow.err
    same = routes.run("diff", txt, txt)
    assert "0 of 3 files" in same.err
    assert "must be a duration" in routes.run("diff", txt, "--since", "soon").err


def test_check_and_explain_go_by_the_routes_of_the_app(routes: RoutesDesk) -> None:
    """Or check a file before it is pushed."""
    routes.run("push", routes.file(toml("load")), "--yes")

    assert "all: landing/**/{name}.csv -> load" in routes.run("check").out
    assert routes.run("check", routes.file("[[route]]\n")).status == 1
    fires = routes.run("explain", "landing/a.csv")
    assert fires.status == 0, fires.err
    assert "DAG     load" in fires.out
    assert routes.run("explain", "landing/c.txt").status == 3
