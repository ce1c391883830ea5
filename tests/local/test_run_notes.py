"""`make run` says what it makes of the shell's settings, and of routes that are edited under it."""

import os
from pathlib import Path

from local.run import file_changes, notes_on

OWN = {"AIRFLOW_PASSWORD": "made up", "AIRFLOW_BASE_URL": "http://127.0.0.1:8080"}


def test_settings_of_the_shell_are_named_as_used_or_not_used() -> None:
    """The stack has an Airflow of its own; what it does not set is obeyed. No value is shown."""
    environ = {
        "AIRFLOW_PASSWORD": "canary",
        "AIRFLOW_BASE_URL": OWN["AIRFLOW_BASE_URL"],
        "CONF_MAX_BYTES": "2048",
        "HOME": "/home/ann",
    }

    assert notes_on(environ, OWN) == [
        "Not used, for the stack has its own: AIRFLOW_PASSWORD",
        "Used: CONF_MAX_BYTES",
    ]
    assert notes_on({}, OWN) == []


def test_routes_that_are_edited_meanwhile_are_said_once_to_be_unread(tmp_path: Path) -> None:
    """The app has read them when it started."""
    file = tmp_path / "routes.toml"
    look = file_changes(file)
    assert look() == []

    file.write_text("a", encoding="utf-8")
    [said] = look()
    assert "routes.toml has changed" in said
    assert look() == []
    os.utime(file, (1, 1))
    assert len(look()) == 1
    file.unlink()
    assert len(look()) == 1
