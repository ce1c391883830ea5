"""Draws docs/benchmarks/*.png from what the benchmarks kept: `make plots`.

Runs with matplotlib and nothing else, so it imports nothing of the project. A benchmark that was not run
has no picture.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt

_FOLDER = Path(__file__).parents[1] / "docs" / "benchmarks"
_OURS, _OTHER, _LIGHT, _LIGHTER = "#1f6feb", "#8b949e", "#9ecbff", "#d0d7de"


def upload(found: dict[str, Any]) -> Any:
    """Draw the time to the run and to its work, for each way."""
    kinds = [kind for kind in ("airflow-3", "airflow-2") if kind in found]
    figure, axes = plt.subplots(
        1, len(kinds), figsize=(6 * len(kinds), 3.6), squeeze=False, layout="constrained"
    )
    for axis, kind in zip(axes[0], kinds, strict=True):
        ways = list(found[kind]["ways"].values())[::-1]
        for row, way in enumerate(ways):
            is_ours = way["title"] == "this app"
            run, work = way["to_run"], way["to_work"]
            axis.barh(row + 0.2, run["median"], 0.36, color=_OURS if is_ours else _OTHER)
            axis.barh(row - 0.2, work["median"], 0.36, color=_LIGHT if is_ours else _LIGHTER)
            axis.plot([run["median"], run["p95"]], [row + 0.2] * 2, color="black", linewidth=1)
            axis.plot([work["median"], work["p95"]], [row - 0.2] * 2, color="black", linewidth=1)
        axis.set_yticks(range(len(ways)), [way["title"] for way in ways])
        axis.set_title(f"Airflow {found[kind]['airflow']}")
        axis.set_xlabel(
            "seconds from the upload: dark to the run, light\nto its first task; line: to the 95th percentile"
        )
    return figure


def event(found: dict[str, Any]) -> Any:
    """Draw where the time of one event goes, its ratio by threads, and the POST alone."""
    figure, (stacked, by_threads, posts) = plt.subplots(1, 3, figsize=(14, 3.6), layout="constrained")
    parts, one = found["parts"], found["threads"]["1"]
    app_post = parts["app_route_and_post"] - parts["app_route"]
    sides = {
        "bare": {"HEAD": parts["bare_head"], "POST": parts["bare_post"]},
        "this app": {"HEAD": parts["app_head"], "POST": app_post, "routes": parts["app_route"]},
    }
    known = sum(sides["this app"].values())
    sides["this app"]["the rest"] = max(0.0, one["app"] - known)
    colours = {"HEAD": _OURS, "POST": _LIGHT, "routes": _OTHER, "the rest": _LIGHTER}
    for row, (side, pieces) in enumerate(sides.items()):
        left = 0.0
        for name, width in pieces.items():
            label = name if side == "this app" else None
            stacked.barh(row, width, left=left, color=colours[name], label=label)
            left += width
    stacked.set_yticks(range(2), list(sides))
    stacked.set_xlabel("milliseconds of one event")
    stacked.legend(fontsize=8, loc="lower right")
    names = list(found["ratios"])
    by_threads.bar(names, [found["ratios"][name] for name in names], color=_OURS)
    by_threads.axhline(1, color="black", linewidth=1)
    by_threads.axhline(found["most"], color="red", linewidth=1, linestyle=":")
    by_threads.set_xlabel("threads")
    by_threads.set_title("an event, times the bare requests (dotted: goal)", fontsize=10)
    ratios = found["ratios_of_post"]
    posts.barh(
        list(ratios), list(ratios.values()), color=[_OURS if name == "app" else _OTHER for name in ratios]
    )
    posts.set_title("the POST over TLS, times a warm session", fontsize=10)
    return figure


def drain(found: dict[str, Any]) -> Any:
    """Draw the drain's rate against concurrency."""
    figure, axis = plt.subplots(figsize=(6, 3.6))
    rates = [rate for rate in found["rates"] if rate["version"] == "today"]
    axis.plot(
        [rate["concurrency"] for rate in rates],
        [rate["rows_per_second"] for rate in rates],
        "o-",
        color=_OURS,
    )
    axis.set_xlabel("deliveries at once")
    axis.set_ylabel("rows a second")
    axis.set_ylim(bottom=0)
    return figure


def backlog(found: dict[str, Any]) -> Any:
    """Draw what a real Airflow takes, and what the drain makes of it."""
    figure, axis = plt.subplots(figsize=(6, 3.6))
    rows = found["found"]
    concurrency = [row["concurrency"] for row in rows]
    axis.plot(
        concurrency,
        [row["airflow"]["runs_per_second"] for row in rows],
        "o-",
        color=_OTHER,
        label="bare posts",
    )
    axis.plot(
        concurrency, [row["drain"]["rows_per_second"] for row in rows], "o-", color=_OURS, label="the drain"
    )
    axis.set_xlabel("requests at once")
    axis.set_ylabel("runs a second, Airflow 3 on PostgreSQL")
    axis.set_ylim(bottom=0)
    axis.legend()
    return figure


def memory(found: dict[str, Any]) -> Any:
    """Draw the memory over events."""
    figure, axis = plt.subplots(figsize=(6, 3.6))
    axis.plot(
        [point["events"] for point in found["points"]],
        [point["mib"] for point in found["points"]],
        color=_OURS,
    )
    axis.set_ylim(bottom=0)
    axis.set_xlabel("events")
    axis.set_ylabel("MiB of the process")
    return figure


def costs(found: dict[str, Any]) -> Any:
    """Draw the price of a month against the files in it."""
    figure, axis = plt.subplots(figsize=(6, 3.6))
    files = [row["files"] for row in found["rows"]]
    for name, title, colour in (
        ("app", "this app", _OURS),
        ("poke", "sensor, poke", "black"),
        ("reschedule", "sensor, reschedule", _OTHER),
        ("deferrable", "sensor, deferrable", _LIGHTER),
    ):
        axis.loglog(
            files, [max(0.01, row[f"{name}_usd"]) for row in found["rows"]], "o-", color=colour, label=title
        )
    axis.set_xlabel("files a month")
    axis.set_ylabel("US dollars a month")
    axis.legend(fontsize=8)
    return figure


def scale(found: dict[str, Any]) -> Any:
    """Draw what grows: with the rate, with the cap and its lanes, with the backlog, and with an outage."""
    figure, ((steady, capped), (backlog, outage)) = plt.subplots(2, 2, figsize=(11, 7), layout="constrained")
    rates = [row["rate"] for row in found["steady"]]
    steady.loglog(rates, rates, ":", color="black", label="files a second")
    steady.loglog(
        rates, [row["runs_per_second"] for row in found["steady"]], "o-", color=_OURS, label="runs a second"
    )
    steady.set_title("no cap: Airflow's own rate is the first limit", fontsize=10)
    for lanes, colour in zip((1, 10, 100), (_LIGHT, _OURS, "black"), strict=True):
        rows = [row for row in found["capped"] if row["lanes"] == lanes]
        capped.loglog(
            [row["rate"] for row in rows],
            [row["peak_account"] for row in rows],
            "o-",
            color=colour,
            label=f"{lanes} lanes",
        )
    capped.axhline(found["model"]["account_entities"], color="red", linewidth=1, linestyle=":")
    capped.set_title("a cap: entities of storage in a second (dotted: its limit)", fontsize=10)
    rows = found["backlog"]
    backlog.loglog(
        [row["rows"] for row in rows],
        [row["drained_seconds"] for row in rows],
        "o-",
        color=_OURS,
        label="seconds to drain",
    )
    backlog.loglog(
        [row["rows"] for row in rows],
        [row["table_requests"] for row in rows],
        "o-",
        color=_OTHER,
        label="requests to the table",
    )
    backlog.set_xlabel("rows that wait")
    rows = found["outage"]
    outage.plot(
        [row["rate"] for row in rows],
        [row["drained_seconds"] / 60 for row in rows],
        "o-",
        color=_OURS,
        label="minutes until all have their run",
    )
    outage.set_ylim(bottom=0)
    outage.set_title("after an outage of an hour", fontsize=10)
    for axis in (steady, capped, outage):
        axis.set_xlabel("files a second")
    for axis in (steady, capped, backlog, outage):
        axis.legend(fontsize=8)
    return figure


PLOTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    each.__name__: each for each in (upload, event, drain, backlog, memory, costs, scale)
}


def main() -> None:
    """Draw each."""
    plt.switch_backend("Agg")
    for name, draw in PLOTS.items():
        path = _FOLDER / f"{name}.json"
        if path.exists():
            figure = draw(json.loads(path.read_text(encoding="utf-8")))
            # No date in the file: the same numbers give the same bytes.
            figure.savefig(
                path.with_suffix(".png"), dpi=110, bbox_inches="tight", metadata={"Software": None}
            )
            print(f"drew {path.with_suffix('.png').name}")


if __name__ == "__main__":
    main()
