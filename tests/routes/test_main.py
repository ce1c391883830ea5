"""`python -m shared.routes`: checks and explains, sends nothing."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.model.run_id import run_id
from shared.routes.__main__ import main
from tests.support.samples import blob_event

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
ROUTES = """\
[[route]]
name = "not-here"
match = "landing/archive/**"
ignore = true

[[route]]
name = "orders"
match = "landing/orders/{day:date}.csv"
dag_id = "load_{day}"
dag_ids = ["load_2026-11-20"]
logical_date = "{day}"
stop = true

[[route]]
name = "big"
match = "landing/**"
dag_id = "load_big"
min_size = 100
metadata = { ready = true }

[[route]]
name = "top"
match = "landing/{name}"
dag_id = "load_top"
"""


def run(capsys: pytest.CaptureFixture[str], *argv: str, toml: str = ROUTES) -> tuple[int, str]:
    """Run one command; give its exit code and what it printed."""
    code = main(argv, {"AIRFLOW_ROUTES": toml}, NOW)
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def test_check_lists_the_routes(capsys: pytest.CaptureFixture[str]) -> None:
    """A good file: each route, its pattern and its DAGs; exit code 0."""
    code, printed = run(capsys, "check")

    assert code == 0
    assert printed == (
        "not-here: landing/archive/** -> nothing\n"
        "orders: landing/orders/{day:date}.csv -> load_2026-11-20\n"
        "big: landing/** -> load_big\n"
        "top: landing/{name} -> load_top\n"
        "4 routes, no fault\n"
    )


def test_check_names_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong file: exit code 1 and the faults."""
    code, printed = run(capsys, "check", toml='[[route]]\nname = "a"\nmatch = "b"\n')

    assert code == 1
    assert "line 1, route 'a': dag_id is missing" in printed
    assert "line 3, route 'a': match" in printed


def test_explain_shows_dag_run_id_and_conf(capsys: pytest.CaptureFixture[str]) -> None:
    """What would be sent, and what is not looked at any more; exit code 0."""
    event = blob_event(name="orders/2026-11-20.csv")

    code, printed = run(
        capsys, "explain", event.path, "--size", "7", "--account", event.account, "--etag", f'"{event.etag}"'
    )

    assert code == 0
    assert printed.splitlines()[:6] == [
        "landing/orders/2026-11-20.csv, 7 bytes",
        "not-here (line 1): no, it does not begin with 'landing/archive/'",
        "orders (line 6): fires",
        "  DAG     load_2026-11-20",
        f"  run id  {run_id(event, route='orders')}",
        "  date    2026-11-20T00:00:00+00:00",
    ]
    assert printed.splitlines()[-2:] == ["not tried, because orders ends the search: big, top", "1 run"]
    conf = json.loads(printed[printed.index("{") : printed.rindex("}") + 1])
    assert conf == {
        "filename": "orders/2026-11-20.csv",
        "container": "landing",
        "size": 7,
        "url": "https://acct.blob.core.windows.net/landing/orders/2026-11-20.csv",
        "etag": event.etag,
        "event_time": "2026-11-20T06:30:00+00:00",
        "route": "orders",
        "blob_type": "BlockBlob",
    }


def test_explain_shows_an_id_that_is_not_the_name(capsys: pytest.CaptureFixture[str]) -> None:
    """It is what the run id is made of."""
    toml = '[[route]]\nname = "new"\nid = "old"\nmatch = "**"\ndag_id = "d"\n'
    arguments = ["explain", "landing/x", "--account", "acct", "--etag", "0x1"]
    renamed = run(capsys, *arguments, toml=toml)[1].splitlines()
    before = run(capsys, *arguments, toml=toml.replace("new", "old"))[1].splitlines()

    assert "  id      old, of the route, in the run id" in renamed
    assert not any(line.startswith("  id ") for line in before)
    assert [line for line in renamed if "run id  " in line] == [line for line in before if "run id  " in line]


EXPLAINED = [
    (
        ["landing/archive/x"],
        3,
        "not-here (line 1): no, it is an exception: nothing starts, and the routes below",
    ),
    (["landing/x/y"], 3, "big (line 14): no, min_size refuses it"),
    (["landing/x/y"], 3, "write {name:path} (or **) to cross folders"),
    (["landing/.x"], 3, "top (line 21): no, complete.hidden refuses it (Files and folders whose name begins"),
    (["landing/.x"], 3, "off with complete = { hidden = false }"),
    (["landing/orders/2026-11-21.csv"], 3, "orders (line 6): no, dag_ids refuses it"),
    (["landing/x/y", "--size", "100"], 0, "in queue mode this takes one HEAD"),
    (["landing/x/y", "--size", "100", "--metadata", "ready=1"], 0, "1 run"),
    (["landing/x/y", "--size", "100", "--metadata", "other=1"], 3, "metadata refuses it"),
    (["landing/x", "--copy-status", "pending"], 3, "retried later: 'landing/x' is still being copied"),
    (["landing/x", "--size", "0", "--api", "CreateFile"], 3, "complete.placeholder refuses it"),
    (["landing/x", "--blob-type", "AppendBlob"], 3, "complete.append_blob refuses it"),
    (["landing/x"], 0, "the run id is right only with --account and --etag"),
    (["other/x"], 3, "0 runs"),
    (["landing/\x1b[2Jx\n"], 0, "'landing/\\x1b[2Jx\\n', 1 bytes"),
]


@pytest.mark.parametrize(("argv", "code", "text"), EXPLAINED)
def test_explain_says_why(capsys: pytest.CaptureFixture[str], argv: list[str], code: int, text: str) -> None:
    """Each route that does not fire says why; exit code 3 where nothing would start."""
    actual, printed = run(capsys, "explain", *argv)

    assert actual == code
    assert text in printed
    assert "\x1b" not in printed


def test_explain_says_that_a_conf_cannot_be_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """Here the conf is past the largest that any setting allows."""
    toml = f'route = [{{ name = "a", match = "**", dag_id = "a", conf.x = "{"x" * 1_100_000}" }}]'

    assert "conf    cannot be sent: The conf has 11" in run(capsys, "explain", "landing/x", toml=toml)[1]


WRONG = [["explain"], ["explain", "landing"], ["explain", "a/b", "--metadata", "x"], ["send"], []]


@pytest.mark.parametrize("argv", WRONG)
def test_wrong_command_line_is_refused(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    """Exit code 2, as of every such command."""
    with pytest.raises(SystemExit) as stopped:
        run(capsys, *argv)

    assert stopped.value.code == 2


def test_one_dag_for_all_is_explained_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Without routes the app setting AIRFLOW_DAG_ID is what counts."""
    assert main(["check"], {"AIRFLOW_DAG_ID": "load"}, NOW) == 0
    assert main(["explain", "a/b"], {"AIRFLOW_DAG_ID": "load"}, NOW) == 0

    printed = capsys.readouterr().out
    assert printed.startswith("default: ** -> load\n1 route, no fault\n")
    assert "\ndefault: fires\n" in printed


def test_file_on_the_command_line_wins(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """To check a file before it is deployed."""
    file = tmp_path / "r.toml"
    file.write_text(ROUTES, encoding="utf-8")

    assert main(["--file", str(file), "check"], {"AIRFLOW_DAG_ID": "load"}, NOW) == 0
    assert "4 routes, no fault" in capsys.readouterr().out


def test_command_needs_nothing_else(tmp_path: Path) -> None:
    """As a user calls it: a file, no settings, no network."""
    (tmp_path / "r.toml").write_text(ROUTES, encoding="utf-8")
    command = [sys.executable, "-m", "shared.routes", "--file", "r.toml", "explain", "landing/x"]
    environ = {"PYTHONPATH": str(ROOT), "PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1"}

    done = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "DAG     load_top" in done.stdout
