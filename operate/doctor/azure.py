"""Checks of what only Azure's resource manager knows: the app, its roles, Event Grid."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError, ResourceNotFoundError

from operate.advice import READ_BLOBS, explained
from operate.azure_cli import ask_azure
from operate.desk import Desk
from operate.doctor.check import Note
from operate.errors import DeskError
from operate.origin import AzureApp
from shared.config.settings import HOST_CONNECTION
from shared.jobs.redrive import EVENT_GRID_DEAD_LETTERS
from shared.model.blob_event import account_from_url

_STUCK = timedelta(hours=1)
_MOST_LETTERS = 1_000
_NOT_THERE = "not there: only a deployed app (--env, --app) has it"


def app(desk: Desk) -> str | Note:
    """Ask whether it runs."""
    azure = desk.origin.azure
    if azure is None:
        return Note(text=_NOT_THERE)
    shown = azure.ask("functionapp", "show") or {}
    state = shown.get("state") or shown.get("properties", {}).get("state")
    if state != "Running":
        msg = (
            f"The app is {str(state).lower()}: az functionapp start --name {azure.name} --resource-group "
            f"{azure.group}{_text(azure.scope)}"
        )
        raise DeskError(msg)
    return f"{azure.name} runs"


def app_roles(desk: Desk) -> str | Note:
    """Compare what is assigned to the app's identity with what it needs; a wider scope counts, too.

    A role in a subscription that the operator cannot see counts as missing.
    """
    azure = desk.origin.azure
    if azure is None:
        return Note(text=_NOT_THERE)
    if desk.settings.host.connection_string:
        return Note(text="the app logs in to storage with a connection string")
    assignee = desk.settings.host.client_id or _own_identity(azure)
    held = [
        (str(item.get("roleDefinitionName")), str(item.get("scope")).lower())
        for scope in {azure.scope, azure.landing_scope}
        for item in ask_azure("role", "assignment", "list", "--all", "--assignee", assignee, *scope) or ()
    ]
    for roles, kind, name in _needed(desk):
        if not any(role in roles and _covers(scope, kind, name) for role, scope in held):
            show = "keyvault" if kind == "vaults" else "storage account"
            msg = (
                f"The app lacks the role {roles[0]!r} on {name}: az role assignment create "
                f"--role {roles[0]!r} --assignee {assignee} --scope "
                f'"$(az {show} show --name {name} --query id --output tsv)" (it takes some minutes)'
            )
            raise DeskError(msg)
    return "all there"


def _own_identity(azure: AzureApp) -> str:
    shown = azure.ask("functionapp", "identity", "show") or {}
    if not shown.get("principalId"):
        msg = f"The app has no identity: az functionapp identity assign --name {azure.name} -g {azure.group}"
        raise DeskError(msg)
    return str(shown["principalId"])


def _needed(desk: Desk) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield roles, of which one is enough, and the type and name of the resource that they are for."""
    settings = desk.settings
    host = account_from_url(settings.host.blob_endpoint)
    yield ("Storage Blob Data Owner",), "storageaccounts", host
    yield ("Storage Queue Data Contributor",), "storageaccounts", host
    yield ("Storage Table Data Contributor",), "storageaccounts", host
    landing = account_from_url(settings.landing.blob_url)
    owner = ("Storage Blob Data Owner",)
    readers = ("Storage Blob Data Reader", "Storage Blob Data Contributor", *owner)
    yield readers if settings.bindings.is_queue_mode else owner, "storageaccounts", landing
    yield ("Storage Queue Data Contributor",), "storageaccounts", landing
    if settings.key_vault_uri:
        vault = (urlsplit(settings.key_vault_uri).hostname or "").partition(".")[0]
        yield (
            ("Key Vault Secrets User", "Key Vault Secrets Officer", "Key Vault Administrator"),
            "vaults",
            vault,
        )


def _covers(scope: str, kind: str, name: str) -> bool:
    """Tell whether a scope is of a resource, or of a whole group or subscription."""
    return f"/{kind}/{name.lower()}/" in f"{scope}/" if "/providers/" in scope else True


def subscription(desk: Desk) -> str | Note:
    """Look for the event subscription that delivers to this app, at the topics of the landing account."""
    azure = desk.origin.azure
    if azure is None:
        return Note(text=_NOT_THERE)
    landing = account_from_url(desk.settings.landing.blob_url)
    group = ("eventgrid", "system-topic")
    topics = ask_azure(*group, "list", *azure.landing_scope) or ()
    for topic in topics:
        if str(topic.get("source", "")).lower().rpartition("/")[2] != landing:
            continue
        place = ("--system-topic-name", topic["name"], "--resource-group", topic["resourceGroup"])
        listed = ask_azure(*group, "event-subscription", "list", *place, *azure.landing_scope)
        for found in listed or ():
            if _is_ours(desk, azure, found):
                return _working(found)
    msg = (
        f"No event subscription of the account {landing} delivers to this app: `azd hooks run postdeploy` "
        "makes it (with EVENT_SOURCE=queue: `azd provision`)."
    )
    raise DeskError(msg)


def _is_ours(desk: Desk, azure: AzureApp, found: Mapping[str, Any]) -> bool:
    direct = found.get("destination") or {}
    host = urlsplit(str(direct.get("endpointBaseUrl") or "")).hostname or ""
    # Newer apps have a host name with a hash and a region behind the name.
    if host.partition(".")[0] == azure.name.lower() or host.startswith(f"{azure.name.lower()}-"):
        return True
    queue = (found.get("deliveryWithResourceIdentity") or {}).get("destination") or direct
    account = str(queue.get("resourceId") or "").lower().rpartition("/")[2]
    return bool(account) and account == account_from_url(desk.settings.host.blob_url)


def _working(found: Mapping[str, Any]) -> str:
    state, name = found.get("provisioningState"), found.get("name")
    if state != "Succeeded":
        msg = (
            f"The event subscription {name} is in state {state}: no events come. `azd hooks run postdeploy` "
            "repairs it (with EVENT_SOURCE=queue: `azd provision`)."
        )
        raise DeskError(msg)
    return f"{name} delivers"


def dead_letters(desk: Desk) -> str | Note:
    """Count what Event Grid could not deliver: the app takes it back within minutes."""
    blobs = desk.host.blobs.get_container_client(EVENT_GRID_DEAD_LETTERS)
    now, left = desk.timing.now(), []
    try:
        for item in blobs.list_blobs(results_per_page=_MOST_LETTERS):
            if item.last_modified and now - item.last_modified > _STUCK:
                left.append(item.last_modified)
            if len(left) == _MOST_LETTERS:
                break
    except ResourceNotFoundError:
        return Note(text=f"not there: no container {EVENT_GRID_DEAD_LETTERS}")
    except AzureError as error:
        raise DeskError(explained(error, desk, role=READ_BLOBS, on=HOST_CONNECTION)) from None
    if left:
        msg = (
            f"{len(left)} dead letters of Event Grid are in {EVENT_GRID_DEAD_LETTERS} for more than an hour, "
            f"the oldest since {min(left):%Y-%m-%d %H:%M} UTC: the app has not taken them back. Does it run? "
            "`backfill` sends their files."
        )
        raise DeskError(msg)
    return "none that the app has left"


def _text(scope: tuple[str, ...]) -> str:
    return "".join(f" {part}" for part in scope)
