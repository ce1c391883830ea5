"""Who looks after a route is named wherever its rows, letters and holds are shown."""

import pytest

from operate.desk import Desk
from shared.model.errors import DagMissing, RunRefused
from tests.operate.conftest import Run
from tests.operate.samples import LANE, pending, wait

pytestmark = pytest.mark.stack


def test_owner_of_the_route_is_named(run: Run, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """By today's routes, or, where the route is gone, as it was when the letter was written."""
    desk.dead_letters.add(pending("a.csv"), RunRefused("no"), owner="before@example.org")
    wait(desk, "b.csv")
    desk.outbox.hold(LANE, DagMissing("Airflow has no DAG."), owner="now@example.org")
    gone = run("dead")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("AIRFLOW_DAG_ID", "")
    monkeypatch.setenv(
        "AIRFLOW_ROUTES",
        '[[route]]\nname = "default"\nmatch = "landing/**"\ndag_id = "d"\nowner = "now@example.org"\n',
    )

    assert "default -> copy_file (before@example.org)" in gone.out
    assert "default -> copy_file (now@example.org)" in run("dead").out
    assert "default -> copy_file (now@example.org)" in run("waiting").out
    assert "Owner       now@example.org" in run("dead", "show", "landing/a.csv").out
    assert "default -> copy_file (now@example.org)" in run("trace", "landing/b.csv").out
    assert "owner now@example.org" in run("status").out
