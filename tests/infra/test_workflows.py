"""The workflows give away as little as they can."""

import json
import re

import pytest
import yaml

from tests.infra.bicep import ROOT

MAY_WRITE = {("what-if", "id-token"), ("codeql", "security-events"), ("package", "contents")}
"""The jobs that may write, and what."""

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_to_a_commit_with_its_version(path: str) -> None:
    """A tag can be moved; a commit cannot."""
    uses = re.findall(r"uses: (\S+)(.*)", (ROOT / path).read_text())

    assert uses
    for action, comment in uses:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action)
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_jobs_get_only_what_they_name(path: str) -> None:
    """Nothing by default; each right to write has its job, and a reason beside it."""
    workflow = yaml.safe_load((ROOT / path).read_text())
    rights = {name: job["permissions"] for name, job in workflow["jobs"].items()}
    writes = {(name, right) for name, given in rights.items() for right in given if given[right] == "write"}

    assert workflow["permissions"] == {}
    assert writes <= MAY_WRITE
    assert all("contents" in given for given in rights.values())
    assert len(re.findall(r": write # \w+", (ROOT / path).read_text())) == len(writes)


def test_dependabot_renews_the_pinned_actions() -> None:
    """A pin that nobody moves is a hole that nobody closes."""
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]

    assert {update["package-ecosystem"] for update in updates} == {"github-actions", "npm"}


def test_what_if_role_changes_nothing() -> None:
    """The role that docs and workflow name: it reads, validates and previews."""
    role = json.loads((ROOT / ".github" / "what-if-role.json").read_text())

    assert role["Actions"] == [
        "*/read",
        "Microsoft.Resources/deployments/validate/action",
        "Microsoft.Resources/deployments/whatIf/action",
    ]
    assert ".github/what-if-role.json" in (ROOT / ".github" / "workflows" / "infra.yml").read_text()


def test_release_ships_what_was_tested() -> None:
    """The package's own tests come before the build, and what is in it goes with it."""
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    runs = re.findall(r"- run: (.*)", text)

    assert [index for index, run in enumerate(runs) if "tests/package" in run] < [
        index for index, run in enumerate(runs) if "make package sbom" in run
    ]
    assert "app.zip sbom.json SHA256SUMS" in runs[-1]


def test_package_is_built_on_every_system_that_people_deploy_from() -> None:
    """By the hook's own script."""
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]["package"]
    runs = {step.get("run") for step in job["steps"]}

    assert {name.partition("-")[0] for name in job["strategy"]["matrix"]["os"]} == {"macos", "windows"}
    assert {"sh infra/hooks/hook.sh package", "./infra/hooks/hook.ps1 package"} <= runs


def test_every_check_of_a_dependency_runs() -> None:
    """Known vulnerabilities, new dependencies, code."""
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "security.yml").read_text())["jobs"]

    assert set(jobs) == {"codeql", "audit", "dependency-review"}
    assert "pip-audit" in (ROOT / "Makefile").read_text()


def test_what_if_holds_no_secret() -> None:
    """It logs in by federation, and never for a fork."""
    text = (ROOT / ".github" / "workflows" / "infra.yml").read_text()

    assert "secrets." not in text
    assert "github.event.pull_request.head.repo.full_name == github.repository" in text
    assert "pull_request_target" not in text
