"""Estimates what files cost in a month: `python -m benchmarks.costs`.

From what the other benchmarks measured (docs/benchmarks), what a tick of the dispatcher asks of storage
(counted here), and the prices and assumptions in benchmarks/prices.toml. Writes docs/benchmarks/costs.md.
"""

import json
import math
import re
import tomllib
from pathlib import Path
from typing import Any

from benchmarks.event_ways import app_settings
from benchmarks.processes import ROOT, airflow_process
from benchmarks.record import FOLDER, keep
from local.azurite import start_azurite
from shared.app import App
from tests.support.counting_proxy import counting_proxy

FILES = [10**power for power in range(4, 10)]
MONTH_SECONDS = 30 * 24 * 3600
TICK_SECONDS = 30

_HEAD = """# What files cost in a month

Written by `python -m benchmarks.costs`; [benchmarks.md](../benchmarks.md#what-files-cost) says what it is
made of.

"""
_PRICES = Path(__file__).with_name("prices.toml")


def operations_of_tick() -> int:
    """Count what the dispatcher asks of tables and queues when nothing waits."""
    with (
        start_azurite() as azurite,
        counting_proxy(azurite.table_port) as tables,
        counting_proxy(azurite.queue_port) as queues,
        counting_proxy(azurite.blob_port) as blobs,
        airflow_process() as airflow,
    ):
        storage = azurite.new_account()
        ports = {azurite.table_port: tables, azurite.queue_port: queues, azurite.blob_port: blobs}
        for port, proxy in ports.items():
            storage = storage.replace(f"127.0.0.1:{port}/", f"127.0.0.1:{proxy.port}/")
        app = App(app_settings(airflow.base_url, storage))
        app.dispatch()
        for proxy in ports.values():
            proxy.reset()
        app.dispatch()
        return sum(proxy.methods.total() for proxy in ports.values())


def measured(name: str) -> dict[str, Any]:
    """Read what a benchmark keeps."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def cheaper_ways(upload: dict[str, Any]) -> dict[str, Any]:
    """Return each way of the Airflow in which its waiting took less of the workers."""
    return {
        name: min(
            (kind["ways"][name] for kind in upload.values() if name in kind["ways"]),
            key=lambda way: way["worker_slot_seconds_per_file"],
        )
        for kind in upload.values()
        for name in kind["ways"]
    }


def log_bytes_per_file() -> int:
    """Return what docs/events.md says, which a test measures."""
    text = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    match = re.search(r"bytes, or (\d+) with\s+the\s+properties", text)
    assert match  # noqa: S101
    return int(match[1])


def app_quantities(
    files: int, assumed: dict[str, float], events_per_second: float, tick: int
) -> dict[str, float]:
    """Return what the app uses in a month, by the name of its price."""
    ticks = MONTH_SECONDS / TICK_SECONDS
    rate = (files + ticks) / MONTH_SECONDS
    # An instance is billed while any call runs: few calls are alone, many share it.
    busy = max(1 - math.exp(-rate * assumed["least_active_seconds"]), rate / events_per_second)
    return {
        "execution": files + ticks,
        "gigabyte_second": MONTH_SECONDS * busy * assumed["instance_gigabytes"],
        "event_operation": files * assumed["event_operations_per_file"],
        # The host's and the app's own.
        "blob_read": 2 * files,
        "queue_operation": files * assumed["queue_operations_per_file"],
        "table_operation": ticks * tick,
        "log_gigabyte": files * (log_bytes_per_file() + assumed["host_log_bytes_per_file"]) / 1e9,
    }


def sensor_quantities(
    files: int, assumed: dict[str, float], mode: str, ways: dict[str, Any]
) -> dict[str, float]:
    """Return what a sensor for each file uses in a month."""
    wait_seconds = assumed["sensor_wait_minutes"] * 60 + assumed["poke_seconds"] / 2
    looks = wait_seconds / assumed["poke_seconds"] + 1
    way = ways[mode]
    if mode == "poke":
        seconds = wait_seconds
    elif mode == "reschedule":
        seconds = (
            looks
            * way["worker_slot_seconds_per_file"]
            * way["files"]
            / sum(way["requests"]["storage"].values())
        )
    else:
        seconds = way["worker_slot_seconds_per_file"]
    kind = "blob_list" if mode == "deferrable" else "blob_read"
    return {"slot_hour": files * seconds / 3600, kind: files * looks}


def dollars(quantities: dict[str, float], prices: dict[str, Any]) -> float:
    """Return the price of a month, less what is free."""
    return sum(
        float(max(0.0, amount - prices[name]["free"]) * prices[name]["usd"])
        for name, amount in quantities.items()
    )


def main() -> None:
    """Compute and write the table."""
    inputs = tomllib.loads(_PRICES.read_text(encoding="utf-8"))
    prices, assumed = inputs["price"], inputs["assumed"]
    events_per_second = measured("memory")["events_per_second"]
    ways = cheaper_ways(measured("upload"))
    tick = operations_of_tick()
    rows = []
    for files in FILES:
        app = app_quantities(files, assumed, events_per_second, tick)
        row: dict[str, Any] = {"files": files, "app_usd": round(dollars(app, prices), 2)}
        row["log_usd"] = round(dollars({"log_gigabyte": app["log_gigabyte"]}, prices), 2)
        for mode in ("poke", "reschedule", "deferrable"):
            used = sensor_quantities(files, assumed, mode, ways)
            row[f"{mode}_slot_hours"] = round(used["slot_hour"], 1)
            row[f"{mode}_usd"] = round(dollars(used, prices), 2)
        rows.append(row)
    keep("costs", {"operations_of_tick": tick, "inputs": inputs, "rows": rows})
    modes = " | ".join(f"{mode}: slot hours | $" for mode in ("Poke", "Reschedule", "Deferrable"))
    lines = [
        f"| Files a month | This app, $ | of it the log, $ | {modes} |",
        "|" + "--:|" * 9,
        *("| " + " | ".join(f"{value:,}" for value in row.values()) + " |" for row in rows),
    ]
    text = _HEAD + "\n".join(lines) + "\n"
    (FOLDER / "costs.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
