"""The `predeploy` hook: stop the deployment of code to an app whose settings are invalid.

It reads the app's settings in Azure and the routes that are about to be deployed with the app's own code.
Then it waits until the app's roles work, because the deployment of code relies on them.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from infra.hooks.azure_cli import Az, AzureCli, HookError, read_json
from infra.hooks.deployment import Deployment
from infra.hooks.roles import wait_until_settled
from shared.config.load import load_configuration
from shared.model.errors import Misconfigured

_VAULT = "store credentials in the vault"
_KEY = "the account refuses keys, and this would override the settings with an address"

NEVER_IN_AZURE: Mapping[str, str] = {
    "AIRFLOW_OAUTH_CLIENT_ID": _VAULT,
    "AIRFLOW_OAUTH_CLIENT_SECRET": _VAULT,
    "AIRFLOW_PASSWORD": _VAULT,
    "AIRFLOW_TOKEN": _VAULT,
    "AIRFLOW_USERNAME": _VAULT,
    "AZURE_CLIENT_SECRET": "the app's managed identity needs none",
    "AzureWebJobsStorage": _KEY,
    "LandingStorage": _KEY,
}
"""Settings of the local stack that must not be set in Azure, each with the reason."""


def faults(settings: Mapping[str, str], containers: Sequence[str]) -> list[str]:
    """Return what is wrong with the app settings, one sentence each.

    Args:
        settings: Of the app.
        containers: Those that have an event subscription.
    """
    found = [f"{name} must not be set: {why}." for name, why in NEVER_IN_AZURE.items() if settings.get(name)]
    try:
        # Other files that settings name exist only where the app runs; the routes file is deployed from here.
        _, routes = load_configuration(settings, reads=lambda _path: True)
    except Misconfigured as error:
        return [*found, str(error)]
    # A blob with routes is read by the app alone; `[landing] watch` is checked where it is written.
    watched = (routes.watch or containers[:1]) if routes else containers
    if set(watched) != set(containers):
        wanted = ",".join(watched)
        found.append(
            f"The routes watch {wanted}, and there are event subscriptions for {','.join(containers)}: "
            f"use `azd env set LANDING_CONTAINERS {wanted}`, or change [landing] watch."
        )
    return found


def app_settings(az: Az, deployment: Deployment) -> dict[str, str]:
    """Return the settings of the app; raise HookError if they cannot be read."""
    listed = read_json(
        az("functionapp", "config", "appsettings", "list", *deployment.app, "--output", "json")
    )
    return {item["name"]: item["value"] or "" for item in listed}


def main(environ: Mapping[str, str], screen: TextIO) -> int:
    """Check the settings and print what is wrong; return 0 if nothing is, else 1."""
    try:
        deployment = Deployment(values=environ)
        az = AzureCli(deployment.subscription_id)
        found = faults(app_settings(az, deployment), deployment.containers)
        if not found:
            wait_until_settled(az, deployment, screen)
    except HookError as error:
        found = [str(error)]
    for fault in found:
        print(fault, file=screen)
    if found:
        print(
            "Nothing was deployed. Fix infra/main.bicepparam or use `azd env set`, then run `azd provision`.",
            file=screen,
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.stderr))
