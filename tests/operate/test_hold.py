"""`hold` and `release`: maintenance, by a person."""

from pathlib import Path

import pytest

from operate.desk import Desk
from shared.model.lane import EVERYTHING, Lane
from tests.operate.conftest import Run
from tests.operate.samples import LANE, wait

pytestmark = pytest.mark.stack

ROUTES = """
[[route]]
name = "orders"
match = "landing/orders/{region}/**"
dag_id = "load_{region}"
dag_ids = ["load_eu", "load_us"]
"""


def test_hold_says_who_and_why_and_release_ends_it(run: Run, desk: Desk) -> None:
    """What is parked stays, and the app's own hold is not touched."""
    wait(desk, "a.csv")

    held = run("hold", "default", "--why", "upgrade", "--who", "ann")
    status = run("status")
    released = run("release", "default")

    state = desk.outbox.state(LANE)
    assert (held.status, released.status) == (0, 0)
    assert "within a minute" in held.err
    assert "by ann" in status.out
    assert "upgrade" in status.out
    assert "held by ann" in released.out
    assert state is not None
    assert (state.person, state.hold is not None) == (None, True)


def test_hold_on_everything_has_a_lane_of_its_own(run: Run, desk: Desk) -> None:
    """Released by --all; a hold on one route stays, and the other way round."""
    run("hold", "--all", "--why", "upgrade", "--who", "ann")
    run("hold", "default", "--why", "tests", "--who", "ben")

    after_route = run("release", "default")

    assert "still on hold" in after_route.err
    state = desk.outbox.state(EVERYTHING)
    assert state is not None
    assert state.person is not None
    run("release", "--all")
    assert desk.outbox.state(EVERYTHING) is None


def test_second_person_is_told_of_the_first(run: Run, desk: Desk) -> None:
    """The first hold stays as it is."""
    run("hold", "default", "--why", "upgrade", "--who", "ann")

    shown = run("hold", "default", "--why", "other", "--who", "ben")

    state = desk.outbox.state(LANE)
    assert shown.status == 1
    assert "held by ann" in shown.out
    assert state is not None
    assert state.person is not None
    assert state.person.who == "ann"


def test_route_with_several_dags_is_held_in_each_lane(run: Run, desk: Desk, tmp_path: Path) -> None:
    """Also in those where nothing waits yet, and that of a DAG which the route named before."""
    file = tmp_path / "routes.toml"
    file.write_text(ROUTES, encoding="utf-8")
    former = Lane(route_id="orders", dag_id="load_old")
    wait(desk, "a.csv", lane=former)

    run("hold", "orders", "--why", "upgrade", "--routes", str(file))

    for dag_id in ("load_eu", "load_us", "load_old"):
        state = desk.outbox.state(Lane(route_id="orders", dag_id=dag_id))
        assert state is not None, dag_id
        assert state.person is not None, dag_id


def test_unknown_route_is_refused_with_those_there_are(run: Run, desk: Desk) -> None:
    """Nothing is held by mistake."""
    shown = run("hold", "ordres", "--why", "upgrade")

    assert shown.status == 1
    assert "There are: default" in shown.err
    assert list(desk.outbox.lanes()) == []


@pytest.mark.parametrize("arguments", [("hold", "--why", "x"), ("release",), ("release", "default", "--all")])
def test_either_routes_or_all_is_named(run: Run, desk: Desk, arguments: tuple[str, ...]) -> None:
    """A forgotten name must not hold, or release, everything."""
    assert "--all" in run(*arguments).err
    assert list(desk.outbox.lanes()) == []


def test_dry_run_names_the_lanes_and_changes_nothing(run: Run, desk: Desk) -> None:
    """For both commands."""
    assert "would be held" in run("hold", "default", "--why", "x", "--dry-run").out
    assert list(desk.outbox.lanes()) == []
    run("hold", "default", "--why", "x")
    assert "would be released" in run("release", "default", "--dry-run").out
    assert desk.outbox.state(LANE) is not None
