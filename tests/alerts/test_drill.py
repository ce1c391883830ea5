"""The drill: each fault makes its alert fire alone, and the runbook ends it; `make drill` is all of it."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from shared import wiring
from shared.airflow.build import build_airflow_client
from tests.alerts.queries import FEED as A_FEED
from tests.alerts.queries import MONDAY, Rule, alert_rules
from tests.alerts.runbook import sections
from tests.alerts.scenes import FEED, SCENES, Scene
from tests.alerts.stage import Stage
from tests.key_vault.azure import Azure
from tests.support.airflow_server import AirflowServer, airflow_server

pytestmark = pytest.mark.stack

IS_FULL = os.environ.get("DRILL") == "full"
SHORT = {"dead-letter", "no-dispatcher", "log-in-refused"}
"""What the test suite plays: one that waits, one that is silent, one that is typed."""

RULES = {rule.name: rule for rule in alert_rules()}


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[AirflowServer]:
    """Yield an Airflow; the app asks it and the vault at once: the clock of the drill is not theirs."""
    impatient = partial(build_airflow_client, key_vault_cache_seconds=0.0, refusal_pause_seconds=0.0)
    monkeypatch.setattr(wiring, "build_airflow_client", impatient)
    with airflow_server() as airflow:
        yield airflow


@pytest.fixture
def stage(storage_account: str, airflow: AirflowServer, azure: Azure, tmp_path: Path) -> Iterator[Stage]:
    """Yield an app that has delivered a file."""
    stage = Stage(storage=storage_account, airflow=airflow, azure=azure, folder=tmp_path)
    stage.pass_time(2, files=1)
    yield stage
    stage.broken.undo()


def _rules_of(stage: Stage) -> list[Rule]:
    """Return the rules, with a feed that does not come in these days."""
    far = (stage.clock.time().isoweekday() + 3) % 7
    return alert_rules(feed=A_FEED | {"<days>": f"{far}d"})


def play(stage: Stage, scene: Scene) -> None:
    """Play a scene: the fault, the alert, the runbook, the end."""
    rules = list(RULES.values()) if scene is FEED else _rules_of(stage)

    scene.cause(stage)
    stage.pass_time(scene.minutes, tick=scene.tick, files=scene.files)
    stage.pass_time(scene.look, tick=150)
    assert set(stage.fired(rules)) == {scene.alert}

    scene.outside(stage)
    calls = stage.follow(sections()[scene.alert], typed=scene.typed)
    for command, effect in scene.commands.items():
        assert any(line.startswith(command) for line in calls.lines), (command, calls.lines)
        effect(stage)
    assert calls.typed == scene.typed
    stage.pass_time(scene.clears, tick=120, files=scene.files)
    assert stage.fired(rules) == {}


PLAYED = SCENES if IS_FULL else [scene for scene in SCENES if scene.alert in SHORT]


@pytest.mark.parametrize("scene", PLAYED, ids=lambda scene: scene.alert)
def test_fault_fires_its_alert_alone_and_the_runbook_ends_it(stage: Stage, scene: Scene) -> None:
    """The lines are the app's own, the query and the threshold those of the template."""
    play(stage, scene)


@pytest.mark.skipif(not IS_FULL, reason="`make drill` plays all scenes")
def test_feed_that_does_not_come_is_told(stage: Stage) -> None:
    """On its day, after its time, until its first file."""
    stage.set_clock(MONDAY)
    play(stage, FEED)


def test_every_alert_that_is_a_query_has_a_scene() -> None:
    """A rule that nobody has seen firing may never fire."""
    assert {scene.alert for scene in [*SCENES, FEED]} == set(RULES)


def test_quiet_day_fires_none(stage: Stage) -> None:
    """Files all day: 10,000 in `make drill`, asked at every turn of the clock."""
    turns, files = (48, 209) if IS_FULL else (4, 10)
    rules = _rules_of(stage)
    for _ in range(turns):
        stage.pass_time(1, tick=60, files=files)
        stage.clock.now += (24 * 60 / turns - 13) * 60  # the timer finds nothing meanwhile
        stage.pass_time(12, tick=150)

        assert stage.fired(rules) == {}
    assert len(stage.airflow.runs) == turns * files + 2
