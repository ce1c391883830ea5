"""Measures the time from an upload to its run: this app beside sensors and the usual function.

`python -m benchmarks.upload [--airflow 3] [--files 12] [--minutes 4] [--ways app snippet poke ...]`

Azurite, a real Airflow on PostgreSQL, and files at random times, those of all ways mixed, so that the machine
is equally busy for each. What is measured replaces what docs/benchmarks/upload.json has of this Airflow.
"""

import argparse

from benchmarks.record import keep
from benchmarks.upload.kinds import AIRFLOW_2_AZURE, AIRFLOW_3_AZURE
from benchmarks.upload.measure import measure
from benchmarks.upload.rig import start_rig
from benchmarks.upload.ways import WAYS
from local.airflow import AirflowKind
from local.install import install_airflow, install_azurite, install_postgres

_KINDS: dict[str, AirflowKind] = {"3": AIRFLOW_3_AZURE, "2": AIRFLOW_2_AZURE}


def main() -> None:
    """Measure the ways that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--airflow", choices=_KINDS, default="3")
    parser.add_argument("--files", type=int, default=12, help="of each way")
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    arguments = parser.parse_args()
    kind = _KINDS[arguments.airflow]
    install_azurite()
    install_postgres()
    install_airflow(kind)
    with start_rig(kind) as rig:
        rig.wait_for_dags({"work", *(name for name in WAYS if WAYS[name].is_sensor)})
        version = rig.call("GET", "version").json()["version"]
        found = measure(rig, arguments.ways, files=arguments.files, seconds=60 * arguments.minutes)
    for way in found.values():
        run, work = way["to_run"], way["to_work"]
        print(
            f"Airflow {version}, {way['title']}: to the run {run['median']:.2f} s (p95 {run['p95']:.2f}),"
            f" its work {work['median']:.2f} s (p95 {work['p95']:.2f}),"
            f" slots {way['worker_slot_seconds_per_file']:.1f} s for each file, {way['requests']}"
        )
    keep("upload", {"airflow": version, "ways": found}, key=f"airflow-{arguments.airflow}")


if __name__ == "__main__":
    main()
