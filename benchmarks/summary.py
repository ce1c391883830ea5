"""The tables of docs/benchmarks.md, from the kept figures: `python -m benchmarks.summary` prints them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parents[1] / "docs" / "benchmarks"
_DEFAULTS = ("poke", "reschedule", "deferrable")
SOONER = 5
"""The goal of the time from upload to run, against the best sensor."""


def kept(name: str) -> dict[str, Any]:
    """Read what a benchmark kept."""
    found: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def rows() -> Iterator[tuple[str, str, str]]:
    """Yield what was compared, the figure, and the goal where there is one."""
    upload = kept("upload")
    for kind in ("airflow-3", "airflow-2"):
        ways = upload[kind]["ways"]
        airflow = f"Airflow {upload[kind]['airflow']}"
        for moment, what in (("to_run", "run"), ("to_work", "the run's first task")):
            ours = ways["app"][moment]["median"]
            best = min(ways[name][moment]["median"] for name in _DEFAULTS)
            often = ways["poke_5s"][moment]["median"]
            goal = f"at least {SOONER}" if moment == "to_run" else ""
            yield (
                f"Upload to {what}, {airflow}: sooner than the best sensor with its defaults",
                f"{best / ours:.1f} times ({ours:.1f} s, {best:.1f} s)",
                goal,
            )
            yield (
                f"Upload to {what}, {airflow}: sooner than a sensor that looks each 5 s",
                f"{often / ours:.1f} times ({often:.1f} s)",
                goal,
            )
        call = ways["app"]["call_to_run"]["median"]
        yield f"Of these, {airflow}: from the function's call to the run", f"{call:.2f} s", ""
    event = kept("event")
    for threads, ratio in event["ratios"].items():
        plural = "thread" if threads == "1" else "threads"
        yield (
            f"One event, {threads} {plural}: times the bare requests",
            f"{ratio:.2f}",
            f"at most {event['most']}",
        )
    in_processor_time = event["ratios_cpu"]["1"]
    yield "One event, 1 thread, in processor time: times the bare requests", f"{in_processor_time:.2f}", ""
    of_post = event["ratios_of_post"]
    yield "The POST alone over TLS: times a warm `requests.Session`", f"{of_post['app']:.2f}", ""
    yield "`requests.post`: times the warm session", f"{of_post['requests.post']:.1f}", ""
    yield "Logging in and posting: times the warm session", f"{of_post['log in and post']:.1f}", ""
    cold = kept("cold_start")
    yield "`import function_app`: times importing the SDKs", f"{cold['ratio']:.2f}", f"at most {cold['most']}"
    yield (
        "A process's first event: times its first two bare requests",
        f"{cold['ratio_of_first_event']:.2f}",
        "",
    )
    memory = kept("memory")
    yield (
        f"Memory over {memory['events']:,} events: growth for each",
        f"{memory['growth_bytes_per_event']:.0f} bytes",
        "0",
    )
    counted = kept("drain")["requests"]
    operations = sum(
        count
        for service in ("blobs", "queues", "tables")
        for method, count in counted[service].items()
        # What is inside a transaction is no request.
        if (service, method) != ("tables", "DELETE")
    )
    yield (
        "A backlog: requests to storage for each 1,000 rows, beside their deletion in batches",
        f"{1000 * operations / counted['rows']:.0f}",
        "",
    )
    posts = counted["airflow"]["POST dagRuns"]
    yield "A backlog: posts to Airflow for each row", f"{posts / counted['rows']:.2f}", "1"


def table() -> str:
    """Return it as Markdown."""
    lines = ["| What | Figure | Goal |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows())])


def upload_table() -> str:
    """Return all ways from upload to run as Markdown."""
    lines = [
        "| Airflow | Way | To the run, s (p95) | To its work, s | Slot seconds | Requests to storage |",
        "|---|---|---|---|---|---|",
    ]
    for kind in kept("upload").values():
        for way in kind["ways"].values():
            run, work = (
                f"{each['median']:.1f} ({each['p95']:.1f})" for each in (way["to_run"], way["to_work"])
            )
            requests = ", ".join(
                f"{count / way['files']:.1f} {method}"
                for method, count in sorted(way["requests"]["storage"].items())
            )
            slots = f"{way['worker_slot_seconds_per_file']:.1f}"
            lines.append(f"| {kind['airflow']} | {way['title']} | {run} | {work} | {slots} | {requests} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
    print(upload_table())
