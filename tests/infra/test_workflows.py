"""The workflows give away as little as they can."""

import re

import pytest
import yaml

from tests.infra.bicep import ROOT

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
    """Nothing by default; writing rights nowhere but the identity token of what-if."""
    workflow = yaml.safe_load((ROOT / path).read_text())
    rights = {name: job["permissions"] for name, job in workflow["jobs"].items()}

    assert workflow["permissions"] == {}
    assert [name for name, given in rights.items() if "write" in given.values()] in ([], ["what-if"])
    assert all(given.get("contents") == "read" for given in rights.values())


def test_what_if_holds_no_secret() -> None:
    """It logs in by federation, and never for a fork."""
    text = (ROOT / ".github" / "workflows" / "infra.yml").read_text()

    assert "secrets." not in text
    assert "github.event.pull_request.head.repo.full_name == github.repository" in text
    assert "pull_request_target" not in text
