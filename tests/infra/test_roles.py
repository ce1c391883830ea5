"""Role assignments: old ones go, new ones get time to work."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.hooks.azure_cli import Result
from infra.hooks.deployment import Deployment
from infra.hooks.roles import wait_until_settled
from tests.infra.app_facts import USABLE
from tests.infra.fake_az import ENVIRONMENT, FakeAz, Reply, failed, run_hook, succeeded

LIST = "role assignment list"
REMOVE = "role assignment delete"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _listed(**ages: float) -> Reply:
    """Return the answer with an assignment for each name, so many seconds old."""
    made = {name: (NOW - timedelta(seconds=age)).isoformat() for name, age in ages.items()}
    return succeeded(
        json.dumps(
            [
                {"id": f"/roles/{name}", "name": name.replace("_", "-"), "created": at}
                for name, at in made.items()
            ]
        )
    )


@pytest.fixture
def az(tmp_path: Path) -> FakeAz:
    """Return an az with the two assignments that the last deployment made."""
    return FakeAz(folder=tmp_path, script={LIST: [_listed(role_1=0, role_2=0)], REMOVE: [succeeded("")]})


def test_needed_assignments_stay(az: FakeAz) -> None:
    """They are looked for in both subscriptions, by the environment's own description."""
    done = run_hook(az, "roles")

    assert (done.returncode, done.stderr) == (0, "")
    assert az.count(REMOVE) == 0
    listed = [call for call in az.calls if LIST in call]
    assert len(listed) == 2
    assert all("[?description=='blob-to-dag test']" in call for call in listed)


def test_assignment_of_an_earlier_deployment_is_removed(az: FakeAz) -> None:
    """After a change of the variant, say: Owner where Reader is enough now."""
    az.script[LIST] = [_listed(role_1=0, role_2=0), _listed(role_old=0)]

    done = run_hook(az, "roles")

    assert done.returncode == 0, done.stderr
    assert [call for call in az.calls if REMOVE in call] == [
        "role assignment delete --ids /roles/role_old --only-show-errors"
    ]


@pytest.mark.parametrize("needed", ["", "[]"])
def test_nothing_is_removed_where_the_need_is_unknown(az: FakeAz, needed: str) -> None:
    """An environment without outputs would lose every role."""
    done = run_hook(az, "roles", ROLE_ASSIGNMENTS=needed)

    assert done.returncode == 1
    assert "ROLE_ASSIGNMENTS" in done.stderr
    assert az.calls == []


def test_assignment_that_cannot_be_removed_is_an_error(az: FakeAz) -> None:
    """It stays in force, and somebody must know."""
    az.script |= {LIST: [_listed(role_old=0)], REMOVE: [failed("ERROR: (ScopeLocked) The scope is locked.")]}

    done = run_hook(az, "roles")

    assert done.returncode == 1
    assert "ScopeLocked" in done.stderr


@pytest.mark.parametrize(
    ("ages", "waits"), [({"old": 900}, []), ({"old": 900, "new": 50}, [70.0]), ({}, []), ({"new": 120}, [])]
)
def test_deployment_of_code_waits_until_the_newest_is_two_minutes_old(
    ages: dict[str, float], waits: list[float]
) -> None:
    """The first `azd up` makes its roles a moment before it needs them."""
    code, out, error = _listed(**ages)
    slept: list[float] = []

    wait_until_settled(
        lambda *_: Result(code=code, out=out, error=error),
        Deployment(values=ENVIRONMENT),
        io.StringIO(),
        now=lambda: NOW,
        sleep=slept.append,
    )

    assert slept == waits


def test_hook_before_the_deployment_of_code_waits(az: FakeAz) -> None:
    """Once for all that is new, and not at all where the settings are unusable."""
    az.app_settings(USABLE)
    recent = (datetime.now(UTC) - timedelta(seconds=110)).isoformat()
    az.script[LIST] = [succeeded(json.dumps([{"id": "/roles/new", "name": "new", "created": recent}]))]

    done = run_hook(az, "check_settings")

    assert done.returncode == 0, done.stderr
    assert "New role assignments need time to work" in done.stderr

    az.app_settings({})
    assert "role assignments" not in run_hook(az, "check_settings").stderr
