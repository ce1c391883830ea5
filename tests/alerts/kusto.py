"""Microsoft's own analyser of KQL, run in Node.js."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from local.kusto import PACKAGE
from tests.alerts.columns import TABLES

_PROGRAM = Path(__file__).with_name("kusto.js")


def is_installed() -> bool:
    """Tell whether the npm package and Node.js are there."""
    return PACKAGE.exists() and shutil.which("node") is not None


def findings(queries: Sequence[str]) -> list[list[str]]:
    """Return what the analyser finds in each query: nothing, if it is right."""
    tables = {
        name: "(" + ", ".join(f"{column}: {kind}" for column, kind in columns.items()) + ")"
        for name, columns in TABLES.items()
    }
    done = subprocess.run(
        ["node", str(_PROGRAM), str(PACKAGE)],
        input=json.dumps({"tables": tables, "queries": list(queries)}),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found: list[list[str]] = json.loads(done.stdout)
    return found
