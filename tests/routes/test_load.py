"""Where the routes come from: a setting, a file, or one DAG for all."""

from pathlib import Path

import pytest

from shared.model.errors import Misconfigured
from shared.model.run_id import run_id
from shared.model.run_request import WhenPaused
from shared.routes.load import load_routes
from tests.support.samples import MOMENT, blob_event

INLINE = 'route = [{ name = "inline", match = "**", dag_id = "inline" }]'
FILE = '[[route]]\nname = "file"\nmatch = "**"\ndag_id = "file"\n'


def test_one_dag_for_all_without_routes(tmp_path: Path) -> None:
    """AIRFLOW_DAG_ID alone sends everything to one DAG, as the route `default`."""
    event = blob_event()

    (run,) = load_routes(root=tmp_path, dag_id="load").match(event).requests

    assert ("load", "default", run_id(event, route="default")) == (run.dag_id, run.route, run.run_id)


def test_one_dag_for_all_keeps_the_completeness_defaults(tmp_path: Path) -> None:
    """The simple case is complete files only, too."""
    plan = load_routes(root=tmp_path, dag_id="load").match(blob_event(name="a/.hidden"))

    assert plan.requests == ()


def test_one_dag_for_all_takes_the_defaults_of_the_settings(tmp_path: Path) -> None:
    """What a paused DAG gets and the logical date hold without a file as well."""
    table = load_routes(root=tmp_path, dag_id="load", when_paused=WhenPaused.HOLD, logical_date="event_time")

    (run,) = table.match(blob_event()).requests

    assert (run.when_paused, run.logical_date) == (WhenPaused.HOLD, MOMENT)


def test_braces_in_the_one_dag_are_no_template(tmp_path: Path) -> None:
    """The setting is text; Airflow will say that there is no such DAG."""
    (run,) = load_routes(root=tmp_path, dag_id="{x}").match(blob_event()).requests

    assert run.dag_id == "{x}"


def test_file_beside_the_app_wins_over_the_one_dag(tmp_path: Path) -> None:
    """routes.toml needs no setting."""
    (tmp_path / "routes.toml").write_text(FILE, encoding="utf-8")

    assert [route.name for route in load_routes(root=tmp_path, dag_id="load").routes] == ["file"]


def test_named_file_is_read(tmp_path: Path) -> None:
    """ROUTES_FILE is relative to the app."""
    (tmp_path / "prod.toml").write_text(FILE, encoding="utf-8")

    assert [route.name for route in load_routes(root=tmp_path, file="prod.toml").routes] == ["file"]


def test_inline_routes_win_over_the_file(tmp_path: Path) -> None:
    """AIRFLOW_ROUTES can be one line, as some portals want it."""
    (tmp_path / "routes.toml").write_text(FILE, encoding="utf-8")

    assert [route.name for route in load_routes(root=tmp_path, inline=INLINE, dag_id="load").routes] == [
        "inline"
    ]


def test_nothing_set_says_what_to_set(tmp_path: Path) -> None:
    """Neither routes nor a DAG."""
    with pytest.raises(Misconfigured, match="set AIRFLOW_DAG_ID, or write"):
        load_routes(root=tmp_path)


def test_named_file_that_is_missing_is_a_fault(tmp_path: Path) -> None:
    """It never falls back to the one DAG: that would start wrong runs."""
    with pytest.raises(Misconfigured, match=r"ROUTES_FILE='prod\.toml' cannot be read"):
        load_routes(root=tmp_path, file="prod.toml", dag_id="load")


def test_file_of_a_windows_editor_is_read(tmp_path: Path) -> None:
    """A byte order mark and CRLF do no harm, and lines are counted as ever."""
    path = tmp_path / "routes.toml"
    path.write_bytes(b"\xef\xbb\xbf" + FILE.replace("\n", "\r\n").encode())
    wrong = tmp_path / "wrong.toml"
    wrong.write_bytes((FILE + "stop = 1\n").replace("\n", "\r\n").encode())

    assert load_routes(root=tmp_path).routes[0].name == "file"
    with pytest.raises(Misconfigured, match="line 5, route 'file': stop = 1"):
        load_routes(root=tmp_path, file="wrong.toml")


def test_file_that_is_no_utf8_is_a_fault(tmp_path: Path) -> None:
    """TOML is UTF-8."""
    (tmp_path / "routes.toml").write_bytes(b'name = "\xff"')

    with pytest.raises(Misconfigured, match="cannot be read"):
        load_routes(root=tmp_path, dag_id="load")
