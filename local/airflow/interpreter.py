"""Finds another version of Python on this machine."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import uv

from local.processes import NotInstalledError

_ASK_SECONDS = 30


def find_python(version: str) -> Path:
    """Find an interpreter such as `3.8`: by uv, on the PATH, or through pyenv; never downloads one.

    Raises:
        NotInstalledError: there is none.
    """
    for candidate in _candidates(version):
        if _version_of(candidate) == version:
            return candidate
    msg = f"Python {version} is missing: install it, for example with `pyenv install {version}`"
    raise NotInstalledError(msg)


def _candidates(version: str) -> Iterator[Path]:
    found = _output_of([uv.find_uv_bin(), "python", "find", "--no-python-downloads", version])
    if found:
        yield Path(found)
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield Path(on_path)
    pyenv = shutil.which("pyenv")
    root = _output_of([pyenv, "root"]) if pyenv else ""
    if root:
        yield from sorted(Path(root).glob(f"versions/{version}.*/bin/python{version}"), reverse=True)


def _version_of(python: Path) -> str:
    return _output_of([str(python), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])


def _output_of(command: list[str]) -> str:
    """Return what a command prints; an empty text if it fails, as a pyenv shim does for a version not set."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_ASK_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
