"""Many versions, many more deliveries, many faults: as many runs as versions. `make soak` runs the long form.

Events come by the queue source, so that storage is asked nothing; Airflow is the stand-in, which fails three
calls of ten, before or after it has created the run. Bounded in count and time; loopback only.
"""

import argparse
import json
import logging
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from local.azurite import ACCOUNT_NAME, start_azurite
from shared.app import App
from shared.event_log import EventLog
from tests.support.airflow_server import AirflowServer, Exchange, Fault, airflow_server
from tests.support.rows import OUTBOX, count_rows
from tests.support.times import FAST

THREADS = 16


def soak(*, versions: int, deliveries: int, seed: int, seconds: float) -> dict[str, int]:
    """Deliver each version at least once, `deliveries` in all, and drain.

    Returns:
        How many `versions`, `runs`, `deliveries` and `attempts` there were.

    Raises:
        TimeoutError: Events still wait after `seconds`.
    """
    chance = random.Random(seed)  # noqa: S311  (faults, no secrets)
    end = time.monotonic() + seconds
    with start_azurite() as azurite, airflow_server() as airflow:
        airflow.faults.append(_fault(chance))
        app = App(_settings(airflow, azurite.connection_string), EventLog(), FAST)
        with ThreadPoolExecutor(THREADS) as pool:
            for number, batch in enumerate(_batches(versions, deliveries, chance), start=1):
                list(pool.map(app.on_event, batch))
                if number % 10 == 0:
                    print(f"{number * 1_000} delivered, {len(airflow.runs)} runs", flush=True)  # noqa: T201
                if time.monotonic() > end:
                    msg = f"not delivered within {seconds:g} s"
                    raise TimeoutError(msg)
        # Until nothing waits: a repeated delivery that waits could still double a run.
        while count_rows(azurite.connection_string, OUTBOX):
            app.dispatch()
            if time.monotonic() > end:
                msg = f"{len(airflow.runs)} of {versions} runs after {seconds:g} s"
                raise TimeoutError(msg)
        return {
            "versions": versions,
            "runs": len(airflow.runs),
            "deliveries": deliveries,
            "attempts": airflow.requests["POST dagRuns"],
        }


def _fault(chance: random.Random) -> Fault:
    def fault(exchange: Exchange) -> bool:
        if not exchange.path.endswith("/dagRuns") or chance.random() > 0.3:
            return False
        if chance.random() < 0.5:
            exchange.commit()
        if chance.random() < 0.5:
            exchange.hang_up()
        else:
            exchange.answer(500, "<html>database is locked</html>")
        return True

    return fault


def _batches(versions: int, deliveries: int, chance: random.Random) -> Iterator[list[bytes]]:
    """Return shuffled batches in which every version comes at least once, and some come often."""
    numbers = [*range(versions), *(chance.randrange(versions) for _ in range(deliveries - versions))]
    chance.shuffle(numbers)
    for start in range(0, len(numbers), 1_000):
        yield [_event(number) for number in numbers[start : start + 1_000]]


def _event(number: int) -> bytes:
    name = f"feed/{number}.csv"
    event = {
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": f"/blobServices/default/containers/landing/blobs/{name}",
        "eventTime": "2026-11-20T06:00:00Z",
        "data": {
            "api": "PutBlob",
            "eTag": f"0x{number:X}",
            "contentLength": number + 1,  # an empty file would be looked at
            "blobType": "BlockBlob",
            "url": f"http://127.0.0.1:1/{ACCOUNT_NAME}/landing/{name}",
        },
    }
    return json.dumps(event).encode()


def _settings(airflow: AirflowServer, storage: str) -> dict[str, str]:
    return {
        "AIRFLOW_BASE_URL": airflow.base_url,
        "AIRFLOW_DAG_ID": "copy_file",
        "AIRFLOW_USERNAME": "admin",
        "AIRFLOW_PASSWORD": "admin",
        "AIRFLOW_RETRY_BUDGET_SECONDS": "1",
        "AIRFLOW_MAX_CONCURRENCY": str(THREADS),
        "AzureWebJobsStorage": storage,
        "LandingStorage": storage,
        "EVENT_SOURCE": "queue",
    }


def main() -> int:
    """Run the long form and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", type=int, default=100_000)
    parser.add_argument("--deliveries", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    parser.add_argument("--seconds", type=float, default=4 * 3600)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)  # noqa: T201
    logging.getLogger("blob_to_dag").addHandler(logging.NullHandler())  # a million lines help nobody
    began = time.monotonic()
    counted = soak(**vars(arguments))
    print(f"{counted} in {time.monotonic() - began:.0f} s")  # noqa: T201
    return 0 if counted["runs"] == counted["versions"] else 1


if __name__ == "__main__":
    sys.exit(main())
