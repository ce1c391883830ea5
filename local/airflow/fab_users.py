"""Users and roles of Airflow 2, and of Airflow 3 with the FAB auth manager."""

import subprocess

from local.airflow.kind import AirflowKind, Place, program_of

COMMAND_TIMEOUT_SECONDS = 180


def make_administrator(kind: AirflowKind, place: Place) -> None:
    """Make the administrator, once there is a database to hold it."""
    if (place.home / "airflow.db").exists() or place.database_url:
        make_user(kind, place, place.username, place.password, role="Admin")


def make_user(kind: AirflowKind, place: Place, username: str, password: str, *, role: str) -> None:
    """Make a user with a role that exists."""
    person = ["--firstname", "-", "--lastname", "-", "--email", f"{username}@example.org"]
    run_command(
        kind,
        place,
        *("users", "create", "--username", username, f"--password={password}", "--role", role),
        *person,
    )


def run_command(kind: AirflowKind, place: Place, *arguments: str) -> None:
    """Run `airflow` once, to its end."""
    subprocess.run(
        [str(program_of(kind)), *arguments],
        env={"PATH": "/usr/bin:/bin", **kind.environment(place), **place.database},
        check=True,
        capture_output=True,
        timeout=COMMAND_TIMEOUT_SECONDS,
    )
