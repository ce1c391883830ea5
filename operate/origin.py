"""`Origin`: which app an operator works on, and where its settings come from."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operate.azure_cli import ask_azure
from operate.errors import DeskError
from shared.config.load import APP_ROOT

STATE_FILE = Path(".stack") / "run.json"
"""Below the checkout: what `make run` writes while the local stack is up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureApp:
    """Where a deployed app is.

    Attributes:
        name: The function app.
        group: Its resource group.
        subscription: Its subscription; empty for the one of `az`.
        landing_subscription: That of the landing account; empty for the app's.
    """

    name: str
    group: str
    subscription: str = ""
    landing_subscription: str = ""

    def ask(self, *arguments: str) -> Any:
        """Run `az` for the app; raises DeskError."""
        return ask_azure(*arguments, "--name", self.name, "--resource-group", self.group, *self.scope)

    @property
    def scope(self) -> tuple[str, ...]:
        """The options that name its subscription."""
        return ("--subscription", self.subscription) if self.subscription else ()

    @property
    def landing_scope(self) -> tuple[str, ...]:
        """The options that name the subscription of its landing account."""
        return ("--subscription", self.landing_subscription) if self.landing_subscription else self.scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The app settings of one app.

    Attributes:
        title: The app, for people.
        settings: App settings by name; hidden, for the local stack's hold its password.
        is_local: Whether it is the local stack.
        azure: Where the app is, if it is known to be deployed.
    """

    title: str
    settings: Mapping[str, str] = field(repr=False)
    is_local: bool = False
    azure: AzureApp | None = None


def find_origin(
    *,
    local: bool = False,
    env: str = "",
    app: str = "",
    environ: Mapping[str, str] = os.environ,
    root: Path = APP_ROOT,
) -> Origin:
    """Return the origin that was asked for; without any, the environment of this process.

    Args:
        local: The local stack that `make run` keeps up.
        env: An azd environment.
        app: A deployed function app.
        environ: Of this process.
        root: Folder of the checkout.

    Raises:
        DeskError: More than one was asked for, or it is not there.
    """
    asked = [name for name, value in (("--local", local), ("--env", env), ("--app", app)) if value]
    if len(asked) > 1:
        msg = f"{' and '.join(asked)} name different apps: give one of them."
        raise DeskError(msg)
    if local:
        return _local(root)
    if env:
        return _azd(env, root)
    if app:
        return _deployed(app)
    if not any(name.startswith("AzureWebJobsStorage") for name in environ):
        msg = "Which app? Give --local, --env NAME (azd) or --app NAME, or set the app settings as variables."
        raise DeskError(msg)
    return Origin(title="the app of this process's environment", settings=environ)


def _local(root: Path) -> Origin:
    try:
        state = json.loads((root / STATE_FILE).read_text(encoding="utf-8"))
        settings = {str(name): str(value) for name, value in state["settings"].items()}
    except FileNotFoundError:
        msg = f"The local stack is not running (no {STATE_FILE}): start it with `make run`."
        raise DeskError(msg) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"{STATE_FILE} cannot be read ({type(error).__name__}): stop `make run` and start it again."
        raise DeskError(msg) from None
    return Origin(title="the local stack", settings=settings, is_local=True)


def _azd(name: str, root: Path) -> Origin:
    folder = root / ".azure"
    path = folder / name / ".env"
    try:
        values = _dotenv(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError):
        there = sorted(found.parent.name for found in folder.glob("*/.env"))
        known = f"There are: {', '.join(there)}." if there else "There is none in this checkout."
        msg = f"There is no azd environment {name!a} in {folder}. {known}"
        raise DeskError(msg) from None
    app, group = values.get("APP_NAME", ""), values.get("AZURE_RESOURCE_GROUP", "")
    if not app or not group:
        msg = f"The azd environment {name!a} has no app yet: run `azd provision`."
        raise DeskError(msg)
    azure = AzureApp(
        name=app,
        group=group,
        subscription=values.get("AZURE_SUBSCRIPTION_ID", ""),
        landing_subscription=values.get("TOPIC_SUBSCRIPTION_ID", ""),
    )
    return _read(azure, title=f"{app} (azd environment {name})")


def _deployed(name: str) -> Origin:
    found = ask_azure("resource", "list", "--resource-type", "Microsoft.Web/sites", "--name", name)
    if not found:
        account = ask_azure("account", "show")
        msg = (
            f"There is no function app {name!a} in the subscription {account.get('name')!a}, or your role "
            "does not show it. Another subscription: `az account set --subscription NAME`."
        )
        raise DeskError(msg)
    return _read(AzureApp(name=name, group=str(found[0]["resourceGroup"])), title=name)


def _read(app: AzureApp, *, title: str) -> Origin:
    listed = app.ask("functionapp", "config", "appsettings", "list")
    settings = {str(item["name"]): str(item.get("value") or "") for item in listed or ()}
    return Origin(title=title, settings=settings, azure=app)


def _dotenv(text: str) -> dict[str, str]:
    """Read what azd writes: NAME="value" with backslashes before quotes."""
    values = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            is_quoted = len(value) > 1 and value[0] == value[-1] == '"'
            values[name] = value[1:-1].replace('\\"', '"').replace("\\\\", "\\") if is_quoted else value
    return values
