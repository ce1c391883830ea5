"""Simulates the app at scale: `python -m benchmarks.scale [--versions 100000] [--instances 100]`.

The app's own code, with storage and Airflow in memory on a clock of the simulation: docs/scale.md. Five
minutes of one core; `--versions 1000000` is the long form.
"""

import argparse
import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec

from benchmarks.record import keep
from benchmarks.scale.services import Model
from benchmarks.scale.virtual_time import VirtualTime
from benchmarks.scale.world import World

_CAP = "600"
_HOUR = 3_600.0
_QUICK_AIRFLOW = Model(airflow_runs=10_000.0, airflow_waiting=10_000)
_LONGEST_SECONDS = 86_400.0


class Simulation:
    """Runs one world after another, and says what came of each."""

    def __init__(self, *, instances: int) -> None:
        self._instances = instances

    def run(
        self,
        play: Callable[[World], dict[str, Any] | None],
        *,
        lanes: int = 1,
        model: Model | None = None,
        settings: dict[str, str] | None = None,
        **keys: Any,
    ) -> dict[str, Any]:
        """Make a world, let something happen in it, and return its figures."""
        began = time.process_time()
        clock = VirtualTime()
        with clock.in_place_of_threads():
            world = World(
                clock,
                instances=self._instances,
                lanes=lanes,
                model=model or Model(),
                settings=settings or {},
            )
            more = play(world) or {}
            found = {"lanes": lanes, **keys, **world.figures(), **more}
        found["processor_seconds"] = round(time.process_time() - began, 1)
        print(" ".join(f"{name}={value}" for name, value in found.items()), flush=True)
        return found

    def steady(self, rate: float, seconds: float, *, lanes: int = 1, cap: str = "") -> dict[str, Any]:
        """Let files land at a rate, and look at what is there then."""
        settings = {"AIRFLOW_MAX_RUNS_PER_MINUTE": cap} if cap else {}
        return self.run(lambda world: world.arrive(rate, seconds), lanes=lanes, settings=settings, rate=rate)

    def backlog(
        self, rows: int, *, lanes: int = 1, concurrency: int = 4, model: Model | None = None
    ) -> dict[str, Any]:
        """Let the timer drain a full outbox, while no files come."""

        def play(world: World) -> dict[str, Any]:
            world.fill(rows)
            return _drained(world)

        settings = {"AIRFLOW_MAX_CONCURRENCY": str(concurrency)}
        return self.run(play, lanes=lanes, model=model, settings=settings, rows=rows, concurrency=concurrency)

    def outage(self, rate: float, *, lanes: int = 1) -> dict[str, Any]:
        """Let Airflow answer 503 for an hour while files land, and go on until every one has its run."""

        def play(world: World) -> dict[str, Any]:
            world.airflow.is_down = True
            world.arrive(rate, _HOUR)
            world.airflow.is_down = False
            waiting = world.figures()["rows_waiting"]
            refused = world.airflow.refused
            return {"rows_after_outage": waiting, "refused_in_outage": refused, **_drained(world)}

        return self.run(play, lanes=lanes, rate=rate)


def _drained(world: World) -> dict[str, Any]:
    seconds = world.settle(_LONGEST_SECONDS)
    if len(world.airflow.created) != world.arrived:
        msg = f"{len(world.airflow.created)} runs of {world.arrived} versions"
        raise RuntimeError(msg)
    return {"drained_seconds": round(seconds, 1)}


def main() -> None:
    """Run all, each over its growing quantity."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--versions", type=int, default=100_000, help="of the largest backlog")
    parser.add_argument("--instances", type=int, default=100)
    arguments = parser.parse_args()
    # The app writes each line of its log, and nobody keeps it.
    logging.disable(logging.CRITICAL)
    simulation = Simulation(instances=arguments.instances)
    versions = arguments.versions
    share = versions // 10
    began = time.process_time()

    def seconds(rate: float) -> float:
        return float(min(60.0, max(10.0, share / 2 / rate)))

    found = {
        "steady": [
            simulation.steady(rate, seconds(rate)) for rate in (1, 10, 30, 45, 60, 100, 300, 1_000, 2_000)
        ],
        "capped": [
            simulation.steady(rate, min(20.0, seconds(rate)), lanes=lanes, cap=_CAP)
            for lanes in (1, 10, 100)
            for rate in (1, 10, 30, 100, 300, 1_000)
        ],
        "backlog": [
            simulation.backlog(rows) for rows in (1_000, 10_000, 100_000, 1_000_000) if rows <= versions
        ],
        "lanes": [simulation.backlog(share, lanes=lanes) for lanes in (1, 10, 100, 1_000)],
        "quick_airflow": [
            simulation.backlog(share, concurrency=concurrency, model=_QUICK_AIRFLOW)
            for concurrency in (4, 16, 32, 100)
        ],
        "outage": [simulation.outage(rate) for rate in (1, 3, 10)],
    }
    print(f"{time.process_time() - began:.0f} s of the processor")
    keep(
        "scale",
        {
            "versions": versions,
            "instances": arguments.instances,
            "model": msgspec.to_builtins(Model()),
            "quick_airflow_runs": _QUICK_AIRFLOW.airflow_runs,
            **found,
        },
    )


if __name__ == "__main__":
    main()
