"""`docs/security.md` names the stores, roles, fields and permissions that the code and the templates have."""

import re
from pathlib import Path

import pytest

from shared.airflow import client_certificate
from shared.config.checks import VAULT
from tests.airflow.test_roles import LEAST_ROLE
from tests.infra.app_facts import stores_named

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def roles_of_the_app(template: str) -> set[str]:
    """Return the names of the roles that a template gives to the app."""
    text = (ROOT / "infra" / "modules" / template).read_text(encoding="utf-8")
    lists = re.findall(r"var (?:hostAccountRoles|appRoles|blobRole) = (.*?)(?:\n\n|\nvar)", text, re.DOTALL)
    resources = re.findall(r"resource appOn\w+ .*?\n[}\]]", text, re.DOTALL)
    return {
        name
        for part in (*lists, *resources)
        for name in re.findall(r"'([A-Z][\w ]+ (?:Owner|Contributor|Reader|User|Publisher))'", part)
    }


def test_every_store_has_its_row() -> None:
    """Whoever may write to one reaches something."""
    assert [store for store in stores_named() if f"`{store}`" not in PAGE] == []


def test_roles_are_those_of_the_templates() -> None:
    """No more and no less."""
    section = PAGE.partition("may do in Azure")[2].partition("\n## ")[0]
    shown = set(re.findall(r"`([A-Z][\w ]+ (?:Owner|Contributor|Reader|User|Publisher))`", section))

    assert shown == roles_of_the_app("roles.bicep") | roles_of_the_app("roles-landing.bicep")


def test_least_role_is_the_one_that_is_tested_in_real_airflows() -> None:
    """The commands of the page, with the DAG of the tests."""
    commands = re.findall(r"add-perms blob_to_dag -a (\w+) -r '?([\w: ]+?)'?$", PAGE, re.MULTILINE)

    assert [
        (action, resource.replace("copy_file", "contract_take")) for action, resource in commands
    ] == list(LEAST_ROLE)


@pytest.mark.parametrize("name", [*client_certificate._FIELDS, f"AIRFLOW_CLIENT_CERTIFICATE={VAULT}"])
def test_fields_of_the_secret_are_named(name: str) -> None:
    """As the code reads them."""
    assert f"`{name}`" in PAGE
