"""Keeps what a benchmark measured in docs/benchmarks, with the machine that it ran on."""

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.processes import ROOT

FOLDER = ROOT / "docs" / "benchmarks"
_PACKAGES = ("azure-data-tables", "azure-functions", "azure-storage-blob", "msgspec", "requests")


def keep(name: str, result: dict[str, Any], *, key: str = "") -> None:
    """Write `docs/benchmarks/NAME.json`; with a key only that part, so that parts are measured apart."""
    path = FOLDER / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    found = {"measured": datetime.now(UTC).date().isoformat(), "machine": machine(), **result}
    if key:
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        found = {**before, key: found}
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"wrote {path.relative_to(ROOT)}", flush=True)


def machine() -> dict[str, Any]:
    """Return the machine and the versions."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if os.name == "posix" else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
    }


def spread(seconds: list[float]) -> dict[str, float]:
    """Return median and 95th percentile."""
    return {
        "median": round(median(seconds), 4),
        "p95": round(quantiles(seconds, n=20, method="inclusive")[-1], 4),
    }
