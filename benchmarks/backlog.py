"""Measures what a real Airflow takes after an outage: `python -m benchmarks.backlog [--rows 1000]`.

Airflow 3 on PostgreSQL. First its own limit: threads that post runs over connections that stay open, for some
seconds each, and how many answers are errors. Then the drain of the outbox, with the same numbers of threads.
"""

import argparse
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import requests

from benchmarks.drain import drain
from benchmarks.processes import ROOT
from benchmarks.record import keep
from local.airflow import AIRFLOW_3, Airflow, start_airflow
from local.azurite import start_azurite
from local.install import install_all
from local.postgres import start_postgres

_DAGS = Path(__file__).parent / "dags"
_TIMEOUT_SECONDS = 120
_NUMBERS = count()


def limit_of(airflow: Airflow, threads: int, seconds: float) -> dict[str, Any]:
    """Post runs from so many threads; return how many a second it took, and what it answered."""
    login = {"username": airflow.username, "password": airflow.password}
    asked = requests.post(f"{airflow.base_url}/auth/token", json=login, timeout=_TIMEOUT_SECONDS)
    headers = {"Authorization": f"Bearer {asked.json()['access_token']}"}
    end = time.monotonic() + seconds

    def post_until_end() -> Counter[str]:
        answers: Counter[str] = Counter()
        with requests.Session() as session:
            while time.monotonic() < end:
                body: dict[str, Any] = {
                    "dag_run_id": f"bare-{next(_NUMBERS)}",
                    "conf": {},
                    "logical_date": None,
                }
                try:
                    answer = session.post(
                        f"{airflow.base_url}/api/v2/dags/copy_file/dagRuns",
                        json=body,
                        headers=headers,
                        timeout=_TIMEOUT_SECONDS,
                    )
                    answers[str(answer.status_code)] += 1
                except requests.RequestException as error:
                    answers[type(error).__name__] += 1
        return answers

    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(post_until_end) for _ in range(threads)]
        answers = sum((future.result() for future in futures), Counter())
    return {"runs_per_second": round(answers["200"] / seconds, 1), "answers": dict(answers)}


def main() -> None:
    """Measure both at each concurrency."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 4, 8, 16])
    arguments = parser.parse_args()
    install_all(["azurite", "postgres", "airflow-3"])
    found = []
    with start_azurite() as azurite, start_postgres() as postgres:
        url = postgres.new_database()
        with start_airflow(kind=AIRFLOW_3, dags_folder=_DAGS, database_url=url) as airflow:
            airflow.api.wait_for_dags({"copy_file"})
            limit_of(airflow, 1, 2)
            for concurrency in arguments.concurrency:
                limit = limit_of(airflow, concurrency, arguments.seconds)
                storage = azurite.new_account()
                settings = {
                    "AzureWebJobsStorage": storage,
                    "LandingStorage": storage,
                    "AIRFLOW_USERNAME": airflow.username,
                    "AIRFLOW_PASSWORD": airflow.password,
                }
                drained = drain(
                    ROOT, arguments.rows, settings, airflow_url=airflow.base_url, concurrency=concurrency
                )
                found.append({"concurrency": concurrency, "airflow": limit, "drain": drained})
                print(
                    f"concurrency {concurrency:2}: Airflow takes {limit['runs_per_second']} runs a second"
                    f" {limit['answers']}, the drain makes {drained['rows_per_second']}",
                    flush=True,
                )
            sql = "SELECT count(*) FROM dag_run WHERE run_id LIKE 'blob%'"
            [[runs]] = postgres.query(sql, database=url.partition("@/")[2].partition("?")[0])
    if int(runs) != arguments.rows * len(arguments.concurrency):
        msg = f"{runs} runs of {arguments.rows} rows, {len(arguments.concurrency)} times"
        raise RuntimeError(msg)
    keep("backlog", {"rows": arguments.rows, "found": found})


if __name__ == "__main__":
    main()
