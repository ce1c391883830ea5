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


def test_explain_and_check_know_companions_and_order(capsys: pytest.CaptureFixture[str]) -> None:
    """What a run waits for, and which runs it comes after."""
    toml = (
        '[[route]]\nname = "r"\nmatch = "landing/{customer}/{file}.csv"\ndag_id = "d"\n'
        'requires = "landing/{customer}/{file}.done"\nrequires_within = "90m"\nordered = "{customer}"\n'
    )

    printed = run(capsys, "explain", "landing/acme/1.csv", toml=toml)[1]

    assert "  needs   landing/acme/1.done, within 90m, and not older\n" in printed
    assert "  order   one after another, with the other runs of acme\n" in printed
    assert run(capsys, "check", toml=toml)[0] == 0


def test_explain_says_of_a_companion_which_file_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    """It starts nothing by itself, and is not what somebody forgot a route for."""
    toml = (ROOT / "examples" / "routes" / "done.toml").read_text(encoding="utf-8")

    code, printed = run(capsys, "explain", "landing/in/a.csv.done", toml=toml)
    assert code == 3
    assert "payments (line 4): a companion of landing/in/a.csv, whose run it starts" in printed

    names = ["landing/in/a.csv.done", "landing/in/a.csv", "landing/else"]
    main(["explain", "--stdin", "--summary"], {"AIRFLOW_ROUTES": toml}, NOW, names)
    assert capsys.readouterr().out.splitlines()[0] == "3 blobs; 1 start something, 2 nothing"
    main(["explain", "--stdin"], {"AIRFLOW_ROUTES": toml}, NOW, names)
    assert "landing/in/a.csv.done: nothing: a companion of payments" in capsys.readouterr().out


def test_explain_knows_batches(capsys: pytest.CaptureFixture[str]) -> None:
    """When the run starts, with which other files, and what its conf looks like."""
    toml = (
        '[[route]]\nname = "r"\nmatch = "landing/{day}/{file}.csv"\ndag_id = "d"\n'
        'batch = { by = "{day}", quiet = "15m", count = 200 }\n'
    )

    printed = run(capsys, "explain", "landing/mon/1.csv", toml=toml)[1]

    assert (
        "  batch   one run, 15m after the last file, at most 2h after the first, at once with 200 files, "
        "1,000 files at most in a run, with the other files of day=mon\n"
    ) in printed
    assert "  run id  made of all files of the batch\n" in printed
    assert '"file_count": 1,' in printed
    assert run(capsys, "check", toml=toml)[0] == 0


def test_explain_says_that_a_conf_cannot_be_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """Here the conf is past the largest that any setting allows."""
    toml = f'route = [{{ name = "a", match = "**", dag_id = "a", conf.x = "{"x" * 1_100_000}" }}]'

    assert "conf    cannot be sent: The conf has 11" in run(capsys, "explain", "landing/x", toml=toml)[1]


WRONG = [
    (["explain"], "name one blob, or use --stdin"),
    (["explain", "landing/x", "--stdin"], "name one blob, or use --stdin"),
    (["explain", "landing"], "expected container/name, or the address of a blob"),
    (["explain", "https://acct.blob.core.windows.net/landing?sig=secret"], "/container/name"),
    (["explain", "landing/x", "--metadata", "x"], "expected KEY=VALUE"),
    (["explain", "landing/x", "--size", "-5"], "expected a number of bytes, from 0 on, not '-5'"),
    (["explain", "landing/x", "--size", "5k"], "expected a number of bytes, from 0 on, not '5k'"),
    (["send"], "invalid choice: 'send'"),
    ([], "required: command"),
]


@pytest.mark.parametrize(("argv", "text"), WRONG)
def test_wrong_command_line_is_refused(
    capsys: pytest.CaptureFixture[str], argv: list[str], text: str
) -> None:
    """Exit code 2, as of every such command, and what was expected; a SAS is not repeated."""
    with pytest.raises(SystemExit) as stopped:
        run(capsys, *argv)

    assert stopped.value.code == 2
    assert text in (printed := capsys.readouterr().err)
    assert "secret" not in printed


def test_one_dag_for_all_is_explained_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Without routes the app setting AIRFLOW_DAG_ID is what counts."""
    assert main(["check"], {"AIRFLOW_DAG_ID": "load"}, NOW) == 0
    assert main(["explain", "landing/b"], {"AIRFLOW_DAG_ID": "load"}, NOW) == 0

    printed = capsys.readouterr().out
    assert printed.startswith("default: ** -> load\n1 route, no fault\n")
    assert "\ndefault: fires\n" in printed


def test_file_on_the_command_line_wins(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """To check a file before it is deployed."""
    file = tmp_path / "r.toml"
    file.write_text(ROUTES, encoding="utf-8")

    for argv in (["--file", str(file), "check"], ["check", "--file", str(file)]):
        assert main(argv, {"AIRFLOW_DAG_ID": "load"}, NOW) == 0
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


def test_blob_may_be_an_address(capsys: pytest.CaptureFixture[str]) -> None:
    """As the portal shows it, quoted and with a SAS; its account makes the run id right."""
    event = blob_event(name="a b.csv")
    url = "https://acct.dfs.core.windows.net/landing/a%20b.csv?sv=1&sig=secret"

    code, printed = run(capsys, "explain", url, "--etag", event.etag)

    assert code == 0
    assert printed.startswith("landing/a b.csv, 1 bytes\n")
    assert run_id(event, route="top") in printed
    assert "secret" not in printed


def test_blob_of_a_container_that_is_not_watched_starts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the routes say; what is watched is said by the command line, the file, or the settings."""
    toml = '[[route]]\nname = "all"\nmatch = "**"\ndag_id = "load"\n'
    watching = '[landing]\nwatch = ["landing", "lake"]\n' + toml

    assert run(capsys, "explain", "lake/x", toml=toml)[0] == 3
    assert "lake is not watched (watched: landing)" in run(capsys, "explain", "lake/x", toml=toml)[1]
    assert run(capsys, "explain", "lake/x", toml=watching)[0] == 0
    assert run(capsys, "explain", "lake/x", "--landing", "landing,lake", toml=toml)[0] == 0
    assert run(capsys, "explain", "landing/x", "--landing", "lake", toml=watching)[0] == 3
    environ = {"AIRFLOW_ROUTES": toml, "LANDING_PATH": "lake/{name}"}
    assert main(["explain", "lake/x"], environ, NOW) == 0


NAMES = ["orders/2026-11-20.csv", "orders/2026-11-21.csv", "a", "b\t200", "", "c/d\t5\r"]


def test_real_names_are_explained_in_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    """As `az storage blob list` gives them: names of one container, with a size or without."""
    environ = {"AIRFLOW_ROUTES": ROUTES}

    code = main(["explain", "--stdin", "--container", "landing"], environ, NOW, NAMES)

    assert code == 0
    assert capsys.readouterr().out.splitlines() == [
        "landing/orders/2026-11-20.csv: orders -> load_2026-11-20",
        "landing/orders/2026-11-21.csv: nothing: big:min_size, orders:dag_ids",
        "landing/a: top -> load_top",
        "landing/b: big -> load_big; top -> load_top",
        "landing/c/d: nothing: big:min_size",
    ]


def test_real_names_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """The most frequent first, each with one blob; exit code 3 where none starts anything."""
    names = ["landing/a", "https://acct.blob.core.windows.net/landing/b?sig=x", "landing/c/d", "lake/x"]

    assert main(["explain", "--stdin", "--summary"], {"AIRFLOW_ROUTES": ROUTES}, NOW, names) == 0
    assert capsys.readouterr().out.splitlines() == [
        "4 blobs; 2 start something, 2 nothing",
        "          2  top -> load_top   (e.g. landing/a)",
        "          1  nothing: big:min_size   (e.g. landing/c/d)",
        "          1  nothing: the container lake is not watched   (e.g. lake/x)",
    ]
    assert main(["explain", "--stdin"], {"AIRFLOW_ROUTES": ROUTES}, NOW, ["lake/x"]) == 3
    assert main(["explain", "--stdin"], {"AIRFLOW_ROUTES": ROUTES}, NOW, ["x"]) == 2


TESTED = (
    ROUTES
    + """
[[test]]
blob = "landing/orders/2026-11-20.csv"
starts = ["load_2026-11-20"]
conf = { route = "orders", size = 1 }

[[test]]
blob = "landing/x"
size = 100
metadata = { ready = "1" }
starts = ["load_big", "load_top"]

[[test]]
blob = "landing/archive/x"
starts = []
"""
)


def test_check_runs_the_tests_of_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    """They pass: counted, exit code 0."""
    code, printed = run(capsys, "check", toml=TESTED)

    assert code == 0
    assert printed.endswith("4 routes, 3 tests, no fault\n")


FAILING = [
    ('starts = ["load_2026-11-20"]', "starts = []", 'it starts ["load_2026-11-20"], not nothing'),
    ("starts = []", 'starts = ["load_top"]', 'it starts nothing, not ["load_top"]'),
    ("size = 1 }", "size = 2 }", "conf.size of load_2026-11-20 is 1, not 2"),
    ("size = 1 }", 'day = "x" }', 'conf.day of load_2026-11-20 is nothing, not "x"'),
    ("size = 1 }", "x = 2026-01-01 }", 'conf.x of load_2026-11-20 is nothing, not "2026-01-01"'),
]


@pytest.mark.parametrize(("old", "new", "how"), FAILING)
def test_check_names_each_test_that_fails(
    capsys: pytest.CaptureFixture[str], old: str, new: str, how: str
) -> None:
    """With its line, what happens and what was expected; exit code 1."""
    code, printed = run(capsys, "check", toml=TESTED.replace(old, new))

    assert code == 1
    assert "fault: line " in printed
    assert how in printed
    assert printed.endswith("4 routes, 3 tests, 1 fault\n")


ODD = '[[route]]\nname = "lake"\nmatch = "lake/**"\ndag_id = "load"\n'


def test_check_warns_of_what_is_odd_and_strict_makes_it_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """A warning stops no deployment unless that is wanted."""
    text = "line 1, route 'lake': the container 'lake' is not watched"

    code, printed = run(capsys, "check", toml=ODD)
    assert code == 0
    assert f"warning: {text}" in printed
    assert printed.endswith("1 route, no fault, 1 warning\n")

    code, printed = run(capsys, "check", "--strict", toml=ODD)
    assert code == 1
    assert f"fault: {text}" in printed
    assert run(capsys, "check", "--strict", "--landing", "lake", toml=ODD)[0] == 0


def test_check_says_which_routes_wait(capsys: pytest.CaptureFixture[str]) -> None:
    """So that a switched-off route is no surprise."""
    toml = '[[route]]\nname = "off"\nmatch = "landing/**"\ndag_id = "load"\nenabled = false\n'

    assert run(capsys, "check", toml=toml)[1].startswith("off: landing/** -> load (waits: enabled = false)\n")
    assert "runs wait, because enabled = false" in run(capsys, "explain", "landing/x", toml=toml)[1]


def test_reader_that_has_seen_enough_gets_no_trace(tmp_path: Path) -> None:
    """`… | head` closes the pipe."""
    (tmp_path / "r.toml").write_text(
        "".join(f'[[route]]\nname = "r{n}"\nmatch = "landing/f{n}/**"\ndag_id = "d"\n' for n in range(4_000)),
        encoding="utf-8",
    )
    command = f"{sys.executable} -m shared.routes check --file r.toml | head -n 1"
    environ = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}

    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.stdout == "r0: landing/f0/** -> d\n"
    assert done.stderr == ""
    assert done.returncode == 0
