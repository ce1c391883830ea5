"""Walk through docs/deploy.md and docs/unproven.md in an Azure subscription: `make live`.

Without a subscription it prints the steps. With one it deploys everything from scratch, tests and removes it:

    make live ARGS="--subscription 00000000-0000-0000-0000-000000000000"
"""

import argparse
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.airflow.api import AirflowApi
from local.package import files

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "deploy.md"
UNPROVEN = ROOT / "docs" / "unproven.md"
PROGRAMS = ("az", "azd")
VARIABLES = ("AIRFLOW_BASE_URL", "AIRFLOW_DAG_ID", "AIRFLOW_USERNAME", "AIRFLOW_PASSWORD", "AZURE_LOCATION")
STEP_TIMEOUT_SECONDS = 3_600
RUN_TIMEOUT_SECONDS = 900
POLL_SECONDS = 5.0
ROLE_ATTEMPTS = 10
ROLE_WAIT_SECONDS = 30.0
_NEEDS_NEW_ROLES = frozenset({"credentials", "upload"})
_TAKES_CREDENTIALS = frozenset({"credentials", "rotate"})
_LAST = "remove"
_BLOCK = re.compile(r"<!-- live: ([a-z-]+) -->\n```sh\n(.*?)```\n", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One block of the page.

    Attributes:
        name: Name in the comment above the block.
        script: Shell commands.
    """

    name: str
    script: str


class StepFailedError(Exception):
    """A step exited with a code other than 0."""


def steps(page: str) -> list[Step]:
    """Return the page's blocks that are marked for this program, in order."""
    return [Step(name=name, script=script) for name, script in _BLOCK.findall(page)]


def missing(environ: Mapping[str, str], which: Callable[[str], str | None] = shutil.which) -> list[str]:
    """Return the programs and variables that the steps need and this machine lacks."""
    programs = [f"the program {name}" for name in PROGRAMS if which(name) is None]
    return programs + [f"the variable {name}" for name in VARIABLES if not environ.get(name)]


def show(found: Iterable[Step]) -> None:
    """Print the steps."""
    for step in found:
        print(f"\n# {step.name}")
        print(step.script.rstrip())


def walk(
    found: Iterable[Step],
    run: Callable[[Step], int],
    *,
    checks: Iterable[Step] = (),
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Run the steps in order, then every check; always run the last step, which removes everything.

    Raises:
        StepFailedError: A step failed, which ends the walk, or checks did, which are named together.
    """
    *forward, last = found
    try:
        for step in forward:
            _run_step(step, run, sleep)
        _run_checks(checks, run, sleep)
    finally:
        _run_step(last, run, sleep)


def _run_checks(checks: Iterable[Step], run: Callable[[Step], int], sleep: Callable[[float], None]) -> None:
    failed = []
    for check in checks:
        try:
            _run_step(check, run, sleep)
        except StepFailedError:
            failed.append(check.name)
    if failed:
        msg = f"Not as docs/unproven.md claims: {', '.join(failed)}."
        raise StepFailedError(msg)


def _run_step(step: Step, run: Callable[[Step], int], sleep: Callable[[float], None]) -> None:
    # A role assignment takes some minutes to work, so steps that need a new one are tried again.
    attempts = ROLE_ATTEMPTS if step.name in _NEEDS_NEW_ROLES else 1
    for attempt in range(1, attempts + 1):
        print(f"\n=== {step.name} (attempt {attempt} of {attempts})", flush=True)
        code = run(step)
        if code == 0:
            return
        if attempt < attempts:
            sleep(ROLE_WAIT_SECONDS)
    msg = f"The step {step.name} failed with exit code {code}."
    raise StepFailedError(msg)


def run_in_shell(step: Step, environ: Mapping[str, str]) -> int:
    """Run the commands in a shell that stops at the first failure; return its exit code."""
    credentials = {"username": environ["AIRFLOW_USERNAME"], "password": environ["AIRFLOW_PASSWORD"]}
    done = subprocess.run(
        ["sh", "-eu", "-c", step.script],
        env=environ,
        cwd=ROOT,
        input=json.dumps(credentials) if step.name in _TAKES_CREDENTIALS else "",
        text=True,
        check=False,
        timeout=STEP_TIMEOUT_SECONDS,
    )
    return done.returncode


def different_files(archive: Path, root: Path = ROOT) -> list[str]:
    """Return what an archive has more, less or other than our own package, one line for each file."""
    with zipfile.ZipFile(archive) as opened:
        theirs = {item.filename: opened.read(item) for item in opened.infolist() if not item.is_dir()}
    ours = {path.as_posix(): (root / path).read_bytes() for path in files(root)}
    more = [f"only in {archive}: {name}" for name in sorted(theirs.keys() - ours.keys())]
    less = [f"only in ours: {name}" for name in sorted(ours.keys() - theirs.keys())]
    other = [
        f"other content: {name}" for name in sorted(ours.keys() & theirs.keys()) if ours[name] != theirs[name]
    ]
    return more + less + other


def wait_for_run(
    api: AirflowApi,
    dag_id: str,
    filename: str,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Wait for a file's DAG run; return its id.

    Raises:
        TimeoutError: There was none in time.
    """
    end = clock() + RUN_TIMEOUT_SECONDS
    while True:
        for run in api.runs(dag_id):
            if run.conf.get("filename") == filename:
                return run.run_id
        if clock() >= end:
            msg = f"no run of {dag_id} for {filename} after {RUN_TIMEOUT_SECONDS} s"
            raise TimeoutError(msg)
        sleep(POLL_SECONDS)


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Print the steps, run them, or wait for one file's DAG run; return the exit code."""
    parser = argparse.ArgumentParser(description="Walk through docs/deploy.md and docs/unproven.md.")
    parser.add_argument(
        "--subscription", help="id of the Azure subscription; without it the steps are only printed"
    )
    parser.add_argument(
        "what",
        nargs="*",
        metavar="wait FILE | same-files ZIP",
        help="wait for the DAG run of a file, or compare azd's package with ours",
    )
    chosen = parser.parse_args(arguments)
    if chosen.what:
        if chosen.what[0] not in {"wait", "same-files"} or len(chosen.what) != 2:  # noqa: PLR2004
            parser.error("expected: wait FILE, or same-files ZIP")
        if chosen.what[0] == "same-files":
            differences = different_files(Path(chosen.what[1]))
            print("\n".join(differences) or "the same files")
            return 1 if differences else 0
        api = AirflowApi(
            base_url=environ["AIRFLOW_BASE_URL"].rstrip("/"),
            username=environ["AIRFLOW_USERNAME"],
            password=environ["AIRFLOW_PASSWORD"],
        )
        print(wait_for_run(api, environ["AIRFLOW_DAG_ID"], chosen.what[1]))
        return 0
    found, checks = (steps(page.read_text(encoding="utf-8")) for page in (PAGE, UNPROVEN))
    lacking = missing(environ)
    if chosen.subscription is None or lacking:
        print("The steps of docs/deploy.md and docs/unproven.md follow.")
        print("To run them, pass --subscription ID", end="")
        print(f" and provide {', '.join(lacking)}." if lacking else ".")
        show([*found[:-1], *checks, found[-1]])
        return 0 if chosen.subscription is None else 2
    environment = dict(environ) | {
        "AZURE_ENV_NAME": f"live-{secrets.token_hex(3)}",
        "AZURE_SUBSCRIPTION_ID": chosen.subscription,
    }
    try:
        walk(found, lambda step: run_in_shell(step, environment), checks=checks)
    except StepFailedError as error:
        print(error, file=sys.stderr)
        return 1
    print("\nEvery step succeeded, every check was as docs/unproven.md claims, and everything was removed.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
