"""docs/operations.md: its sections, and their commands run as they stand.

`blob-to-dag` is the real one. `az` and `azd` only write down how they were called, and the drill does what
they would have done in Azure.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.infra.bicep import ROOT

PAGE = ROOT / "docs" / "operations.md"

_AZURE = """#!/bin/sh
printf '%s %s\\n' "${0##*/}" "$*" >> "$CALLS"
case "$*" in
  "env get-value AIRFLOW_BASE_URL") echo "$AIRFLOW_BASE_URL" ;;
  "env get-value "*) echo "the-$3" ;;
  *" --file /dev/stdin "*) cat > "$CALLS.typed" ;;
esac
"""
_DESK = """#!/bin/sh
PYTHONPATH='{root}' '{python}' -m operate "$@"
code=$?
echo "blob-to-dag $* ended with $code" >> "$CALLS"
exit $code
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What the page says about an alert.

    Attributes:
        name: Of the alert.
        text: All of it.
        blocks: Its blocks of commands.
    """

    name: str
    text: str
    blocks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """How `az` and `azd` were called, and what was typed into them."""

    lines: tuple[str, ...]
    typed: str
    output: str


def sections() -> dict[str, Section]:
    """Return the sections of the page that are about alerts, by name."""
    found = {}
    for part in PAGE.read_text().split("\n## ")[1:]:
        name = part.splitlines()[0]
        if re.fullmatch("[a-z-]+", name):
            blocks = tuple(re.findall(r"```sh\n(.*?)```", part, re.DOTALL))
            found[name] = Section(name=name, text=part, blocks=blocks)
    return found


def run(section: Section, *, settings: Mapping[str, str], typed: str, folder: Path) -> Calls:
    """Run every command of a section, in its order, with the app's settings as the environment."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    desk = _DESK.format(root=ROOT, python=sys.executable)
    for name, text in {"az": _AZURE, "azd": _AZURE, "blob-to-dag": desk}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    calls = folder / "calls"
    calls.unlink(missing_ok=True)
    done = subprocess.run(
        ["sh", "-c", "".join(section.blocks)],
        env=dict(os.environ)
        | dict(settings)
        | {"CALLS": str(calls), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"},
        input=typed,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    lines = calls.read_text().splitlines() if calls.exists() else []
    # `status` ends so where something is wrong, which is why one looks.
    failed = [line for line in lines if " ended with " in line and not line.endswith(" 0")]
    assert [line for line in failed if not line.startswith("blob-to-dag status ")] == [], done.stdout
    assert done.returncode == 0 or failed, done.stdout
    typed_into = Path(f"{calls}.typed")
    return Calls(
        lines=tuple(lines),
        typed=typed_into.read_text() if typed_into.exists() else "",
        output=done.stdout,
    )
