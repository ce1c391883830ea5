"""`make live` takes the steps of docs/deploy.md, all of them, and always cleans up."""

import subprocess
import zipfile
from pathlib import Path

import pytest

from local.airflow.api import DagRun
from local.live import (
    PAGE,
    UNPROVEN,
    Step,
    StepFailedError,
    different_files,
    main,
    missing,
    run_in_shell,
    steps,
    wait_for_run,
    walk,
)
from local.package import ROOT as PROJECT
from local.package import files
from tests.infra.bicep import ROOT

STEPS = steps(PAGE.read_text())
CHECKS = steps(UNPROVEN.read_text())


def test_page_holds_the_whole_life_of_a_deployment() -> None:
    """From nothing to removal, with an outage and a rotation in between."""
    assert [step.name for step in STEPS] == [
        "configure",
        "try-out",
        "up",
        "credentials",
        "upload",
        "see",
        "outage",
        "update",
        "rotate",
        "remove",
    ]


@pytest.mark.parametrize("step", STEPS + CHECKS, ids=lambda step: step.name)
def test_each_step_is_valid_shell(step: Step) -> None:
    """What the page shows can be pasted into a POSIX shell."""
    done = subprocess.run(
        ["sh", "-n", "-c", step.script], capture_output=True, text=True, check=False, timeout=30
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_without_a_subscription_the_steps_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command of the page, what is missing, and no failure."""
    code = main([], {})

    out = capsys.readouterr().out
    assert code == 0
    assert all(step.script.strip() in out for step in STEPS + CHECKS)
    assert "AIRFLOW_PASSWORD" in out


def test_with_a_subscription_but_without_the_rest_nothing_is_done(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Asked for in earnest, a missing variable is an error."""
    code = main(["--subscription", "an-id"], {})

    assert code == 2
    assert "the variable AIRFLOW_BASE_URL" in capsys.readouterr().out


def test_missing_programs_are_named() -> None:
    """Both command line programs are needed."""
    assert [item for item in missing({}, lambda _: None) if "program" in item] == [
        "the program az",
        "the program azd",
    ]


class _Taken:
    """Takes steps by writing them down; those named end with another code than 0."""

    def __init__(self, **codes: int) -> None:
        self._codes = codes
        self.names: list[str] = []

    def __call__(self, step: Step) -> int:
        self.names.append(step.name)
        return self._codes.get(step.name, 0)


def test_steps_are_taken_in_order() -> None:
    """The removal is the last one."""
    taken = _Taken()

    walk(STEPS, taken, sleep=lambda _: None)

    assert taken.names == [step.name for step in STEPS]


def test_failed_step_ends_the_walk_and_everything_is_removed() -> None:
    """What was made costs money until it is removed."""
    taken = _Taken(up=7)

    with pytest.raises(StepFailedError, match="up failed with exit code 7"):
        walk(STEPS, taken)

    assert taken.names == ["configure", "try-out", "up", "remove"]


def test_every_check_runs_whatever_the_others_say() -> None:
    """After the deployment and before its removal; those that failed are named together."""
    taken = _Taken(memory=1, admin=1)

    with pytest.raises(StepFailedError, match=r"docs/unproven\.md claims: memory, admin\."):
        walk(STEPS, taken, checks=CHECKS, sleep=lambda _: None)

    expected = [step.name for step in [*STEPS[:-1], *CHECKS, STEPS[-1]]]
    assert taken.names == expected


def test_a_deployment_that_failed_is_not_checked() -> None:
    """There is nothing to ask."""
    taken = _Taken(up=1)

    with pytest.raises(StepFailedError, match="up failed"):
        walk(STEPS, taken, checks=CHECKS)

    assert taken.names == ["configure", "try-out", "up", "remove"]


def test_every_claim_has_a_command() -> None:
    """Each section of the page ends in something that decides it."""
    sections = UNPROVEN.read_text().split("\n## ")[1:]

    assert len(CHECKS) > 8
    assert [section.splitlines()[0] for section in sections if "<!-- live: " not in section] == []
    assert len({step.name for step in STEPS + CHECKS}) == len(STEPS + CHECKS)


def test_archives_are_compared_by_names_and_bytes(tmp_path: Path) -> None:
    """More, less and other: each is a line."""
    archive = tmp_path / "azd.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in files(PROJECT):
            if path != Path("host.json"):
                content = (PROJECT / path).read_bytes() if path != Path("function_app.py") else b"other"
                opened.writestr(path.as_posix(), content)
        opened.writestr(".env", "SECRET=1")

    assert different_files(archive) == [
        f"only in {archive}: .env",
        "only in ours: host.json",
        "other content: function_app.py",
    ]


def test_step_that_needs_a_fresh_role_is_tried_again() -> None:
    """Ten times, half a minute apart."""
    codes = iter([1, 1, 0])
    waits: list[float] = []

    walk(
        [step for step in STEPS if step.name in {"upload", "remove"}],
        lambda step: next(codes) if step.name == "upload" else 0,
        sleep=waits.append,
    )

    assert waits == [30.0, 30.0]


def test_credentials_come_from_the_keyboard_and_not_from_the_command_line(tmp_path: Path) -> None:
    """As the page says it: the command reads them from its standard input."""
    file = tmp_path / "typed"
    environ = {"AIRFLOW_USERNAME": "ann", "AIRFLOW_PASSWORD": 'a"b', "PATH": "/usr/bin:/bin"}

    code = run_in_shell(Step(name="credentials", script=f"cat > '{file}'"), environ)

    assert code == 0
    assert file.read_text() == '{"username": "ann", "password": "a\\"b"}'


class _Airflow:
    def __init__(self, *answers: list[DagRun]) -> None:
        self._answers = list(answers)

    def runs(self, _dag_id: str) -> list[DagRun]:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def test_run_of_the_file_is_awaited() -> None:
    """Runs of other files do not count."""
    other = DagRun(run_id="other", state="success", conf={"filename": "b.txt"})
    ours = DagRun(run_id="ours", state="queued", conf={"filename": "a.txt"})
    api = _Airflow([], [other], [other, ours])

    assert wait_for_run(api, "a_dag", "a.txt", sleep=lambda _: None) == "ours"  # type: ignore[arg-type]


def test_run_that_never_comes_fails_in_bounded_time() -> None:
    """Fifteen minutes."""
    times = iter(range(0, 10_000, 100))

    with pytest.raises(TimeoutError, match=r"a\.txt"):
        wait_for_run(
            _Airflow([]),  # type: ignore[arg-type]
            "a_dag",
            "a.txt",
            clock=lambda: next(times),
            sleep=lambda _: None,
        )


def test_page_names_every_role_and_every_azd_variable() -> None:
    """Who may do what, and what can be set, is on the page."""
    page = PAGE.read_text()
    roles = (ROOT / "infra" / "modules" / "role-ids.bicep").read_text()
    names = [line.split("'")[1] for line in roles.splitlines() if line.startswith("  '")]
    parameters = (ROOT / "infra" / "main.bicepparam").read_text()
    variables = {part.split("'")[1] for part in parameters.split("readEnvironmentVariable(")[1:]}

    assert [name for name in names if name not in page] == []
    assert {name for name in variables if name not in page} == set()
    assert len(names) == 10
    assert len(variables) > 10
