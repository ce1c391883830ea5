"""Two environments on one landing account: each has its own event subscription."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.infra.arm import Arm
from tests.infra.bicep import ROOT, load
from tests.infra.fake_az import ENVIRONMENT

SOURCES = load()


@pytest.fixture
def arm(tmp_path: Path) -> Arm:
    """Return a subscription with one topic and nothing on it."""
    arm = Arm(folder=tmp_path)
    arm.install()
    return arm


def _outputs(token: str) -> dict[str, str]:
    """Return what the templates put out for an environment, with its token."""
    name = SOURCES["group.bicep"].variables["subscriptionName"]
    assert isinstance(name, str)
    own = {
        "EVENT_SUBSCRIPTION_NAMES": json.dumps([name.replace("${token}", token)]),
        "APP_NAME": f"func-{token}",
    }
    return ENVIRONMENT | own


def _subscribe(arm: Arm, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(ROOT / "infra" / "hooks" / "hook.sh"), "subscribe"],
        env=environment | {"PATH": f"{arm.folder}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_two_environments_on_one_account_each_get_their_events(arm: Arm) -> None:
    """The second deployment leaves the first one's subscription, and so does its repetition."""
    for token in ("one", "two", "one"):
        done = _subscribe(arm, _outputs(token))
        assert done.returncode == 0, done.stderr

    assert arm.subscriptions == {
        f"egst-test/blob-to-dag-{token}": f"https://func-{token}.azurewebsites.net/runtime/webhooks/blobs"
        for token in ("one", "two")
    }


def test_subscription_that_another_app_made_by_hand_stays(arm: Arm) -> None:
    """Even under the same name: the hook stops and says whose it is."""
    one = _outputs("one")
    _subscribe(arm, one)
    before = arm.subscriptions

    done = _subscribe(arm, one | {"APP_NAME": "func-another"})

    assert done.returncode == 1
    assert "func-one.azurewebsites.net" in done.stderr
    assert arm.subscriptions == before


def test_names_are_the_projects_own() -> None:
    """Another project of the same environment name in the same region has other names."""
    assert "'blob-to-dag')" in str(SOURCES["group.bicep"].variables["token"])
    assert "rg-blob-to-dag-${environmentName}" in str(SOURCES["main.bicep"].resources["group"].body["name"])


def test_no_output_has_the_name_of_an_input() -> None:
    """`azd down` removes the outputs from the environment: an input of that name would be lost."""
    for entry in ("main", "group"):
        parameters = (ROOT / "infra" / f"{entry}.bicepparam").read_text()
        inputs = set(re.findall(r"readEnvironmentVariable\('(\w+)'", parameters))

        assert len(inputs) > 20
        assert inputs & set(SOURCES[f"{entry}.bicep"].outputs) == set()


def test_both_entries_put_out_the_same() -> None:
    """The hooks work for a group that was there, too; azd knows its name from the person."""
    main, group = (set(SOURCES[f"{entry}.bicep"].outputs) for entry in ("main", "group"))

    assert main - group == {"AZURE_RESOURCE_GROUP"}
    assert group <= main


def test_both_parameters_files_say_the_same() -> None:
    """But for the name of the group, which one of them makes."""
    main, group = ((ROOT / "infra" / f"{entry}.bicepparam").read_text() for entry in ("main", "group"))

    shortened = "".join(line for line in main.splitlines(keepends=True) if "resourceGroupName" not in line)
    assert shortened.replace("'./main.bicep'", "'./group.bicep'") == group


def test_hooks_read_what_the_templates_put_out() -> None:
    """Each name in deployment.py and the hooks is an output, or azd's own."""
    texts = [path.read_text() for path in (ROOT / "infra" / "hooks").glob("*.py")]
    read = {name for text in texts for name in re.findall(r'(?:self|deployment)\["?\'?([A-Z_]+)', text)}

    assert len(read) > 10
    assert read - {"AZURE_SUBSCRIPTION_ID"} <= set(SOURCES["main.bicep"].outputs)
