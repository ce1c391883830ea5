"""Another version of Python is found wherever it is, and a missing one is named."""

import sys
from pathlib import Path

import pytest

from local.airflow.interpreter import find_python
from local.processes import NotInstalledError


def test_version_that_runs_these_tests_is_found() -> None:
    """By uv, on the PATH or through pyenv."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"

    assert find_python(version).exists()


def test_missing_version_says_what_to_install() -> None:
    """Nothing is downloaded without asking."""
    with pytest.raises(NotInstalledError, match=r"Python 3\.4 is missing: install it"):
        find_python("3.4")


def test_program_that_only_looks_like_python_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pyenv's stand-in for a version that is not chosen, which fails."""
    fake = tmp_path / "python3.4"
    fake.write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NotInstalledError):
        find_python("3.4")
