"""Checkov finds nothing but what .checkov.yaml leaves out, and leaves nothing out that it does not find."""

import json
import re
import subprocess
from typing import Any

import pytest
import yaml

from tests.infra.bicep import INFRA, ROOT
from tests.support.missing import missing

PROGRAM = ROOT / ".stack" / "checkov" / "bin" / "checkov"
CONFIG = ROOT / ".checkov.yaml"
pytestmark = pytest.mark.stack


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Scan infra/ once, without exceptions."""
    if not PROGRAM.exists():
        missing("run `make checkov` to install Checkov")
    done = subprocess.run(
        [
            str(PROGRAM),
            "--directory",
            str(INFRA),
            "--framework",
            "bicep",
            "--output",
            "json",
            "--skip-download",
        ],
        # Outside the project: in its root Checkov would read the exceptions.
        cwd=tmp_path_factory.mktemp("checkov"),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    scanned: dict[str, Any] = json.loads(done.stdout)
    return scanned


def test_every_file_was_read(report: dict[str, Any]) -> None:
    """A file that the scanner cannot parse is a file that it did not look at."""
    assert report["results"]["parsing_errors"] == []
    assert report["summary"]["passed"] >= 20


def test_findings_are_those_that_are_left_out(report: dict[str, Any]) -> None:
    """No other finding, and no exception that has outlived its finding."""
    found = {check["check_id"] for check in report["results"]["failed_checks"]}

    assert found == set(yaml.safe_load(CONFIG.read_text())["skip-check"])


def test_every_exception_has_a_reason() -> None:
    """There is a comment above the group or beside the line."""
    lines = CONFIG.read_text().partition("skip-check:")[2].splitlines()
    reasoned = False
    for line in filter(str.strip, lines):
        if line.lstrip().startswith("#"):
            reasoned = True
        else:
            assert reasoned, line
            assert re.fullmatch(r"  - CKV_\w+\s*(#.*)?", line)
