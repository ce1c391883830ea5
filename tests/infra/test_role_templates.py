"""Who may do what: the role assignments of the templates."""

import re

from tests.infra.bicep import Expression, inputs, load

SOURCES = load()
FILES = ("modules/roles.bicep", "modules/roles-landing.bicep")

ROLES = {
    "Key Vault Secrets Officer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Queue Data Message Sender": "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "Storage Table Data Reader": "76199698-9eea-4c19-bc75-cec21354c6b6",
}
"""https://learn.microsoft.com/azure/role-based-access-control/built-in-roles"""


def test_every_role_is_the_named_one() -> None:
    """A mistyped id would grant something else."""
    assert SOURCES["modules/role-ids.bicep"].variables["roleIds"] == ROLES


def test_every_role_in_use_is_in_the_list_and_no_other_id_is_assigned() -> None:
    """Role names in the templates are those of the list; there is no GUID anywhere else."""
    used: set[str] = set()
    for name in ("modules/roles.bicep", "modules/roles-landing.bicep"):
        text = SOURCES[name].text
        used |= set(re.findall(r"'((?:Storage|Key Vault|Monitoring) [A-Za-z ]+)'", text))
    everywhere = {
        name for name, source in SOURCES.items() if re.search(r"'[0-9a-f]{8}-[0-9a-f]{4}-", source.text)
    }

    assert used == set(ROLES)
    assert everywhere == {"modules/role-ids.bicep"}


def test_every_assignment_says_what_kind_of_principal_it_is_for() -> None:
    """Without principalType a new identity is not found yet, and the deployment fails now and then."""
    assignments = [
        block
        for source in SOURCES.values()
        for block in source.blocks("Microsoft.Authorization/roleAssignments")
    ]
    kinds = [block.body["properties"]["principalType"] for block in assignments]

    assert len(assignments) == 11
    assert set(map(str, kinds)) == {"ServicePrincipal", str(Expression("operator.principalType"))}
    assert all("guid(" in block.body["name"].text and "scope" in block.body for block in assignments)


def test_every_assignment_can_be_found_again() -> None:
    """By its description, and among the names that the last deployment made."""
    for file in FILES:
        source = SOURCES[file]
        for name, block in source.resources.items():
            if block.kind.startswith("Microsoft.Authorization/roleAssignments"):
                assert block.body["properties"]["description"] == Expression("mark"), name
                assert len(re.findall(rf"\b{name}(?:\[index\])?\.name\b", source.text)) == 1, name
    assert SOURCES["group.bicep"].outputs["ROLE_ASSIGNMENTS"] == Expression(
        "concat(roles.outputs.assignments, rolesLanding.outputs.assignments)"
    )


def test_the_app_has_no_right_on_the_landing_account_as_a_whole() -> None:
    """Only on the watched container and on the host's poison queue; so has the operator."""
    scopes = {
        name: block.body["scope"].text
        for name, block in SOURCES["modules/roles-landing.bicep"].resources.items()
        if block.kind.startswith("Microsoft.Authorization")
    }

    assert scopes == {
        "appOnLanding": "landing[index]",
        "appOnPoison": "poison",
        "operatorOnLanding": "landing[index]",
    }
    # With these rights the host cannot make the queue: the templates do, in an account that was there, too.
    assert SOURCES["modules/landing-existing.bicep"].resources["queue"].body["name"] == Expression(
        "poisonQueue"
    )


def test_the_operator_gets_what_is_switched_on() -> None:
    """No upload by default, and tables to read."""
    assert inputs()["OPERATOR_MAY_UPLOAD"] == "false"
    assert inputs()["OPERATOR_TABLES"] == "read"
    roles, landing = SOURCES["modules/roles.bicep"], SOURCES["modules/roles-landing.bicep"]

    assert roles.variables["hasTables"] == Expression(
        "operator.tables != 'none' && !empty(operator.principalId)"
    )
    assert roles.variables["shownTables"] == Expression("hasTables ? tables : []")
    assert landing.variables["mayUpload"] == Expression("operator.mayUpload && !empty(operator.principalId)")
    assert landing.variables["uploads"] == Expression("mayUpload ? containers : []")
    assert inputs()["OPERATOR_MAY_PUSH_ROUTES"] == "false"
    assert roles.variables["mayPushRoutes"] == Expression(
        "operator.mayPushRoutes && !empty(operator.principalId)"
    )
    assert "= if (mayPushRoutes)" in roles.text


def test_roles_are_assigned_in_two_files_only() -> None:
    """Who may do what is read in one place for each resource group."""
    files = {
        name for name, source in SOURCES.items() if source.blocks("Microsoft.Authorization/roleAssignments")
    }

    assert files == {"modules/roles.bicep", "modules/roles-landing.bicep"}
