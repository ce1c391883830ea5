"""The `predeploy` hook: refuse to deploy code to an app whose settings it cannot use.

Reads the settings that the app has in Azure, and the routes that are about to be deployed, by the same code
that the app reads them with.
"""

import os
import sys
from collections.abc import Mapping
from typing import TextIO

from infra.hooks.azure_cli import Az, AzureCli, HookError, read_json
from infra.hooks.deployment import Deployment
from shared.config.load import load_configuration
from shared.model.errors import Misconfigured

_VAULT = "credentials belong into the vault"
_KEY = "the account takes no keys, and this wins over the settings with an address"

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
"""Settings of the local stack that would be a secret, or go before the right one, in Azure."""


def faults(settings: Mapping[str, str]) -> list[str]:
    """List what is wrong with the app settings, one sentence each."""
    found = [f"{name} must not be set: {why}." for name, why in NEVER_IN_AZURE.items() if settings.get(name)]
    try:
        # Files that settings name are where the app runs; the file of routes is deployed from here.
        load_configuration(settings, reads=lambda _path: True)
    except Misconfigured as error:
        found.append(str(error))
    return found


def app_settings(az: Az, deployment: Deployment) -> dict[str, str]:
    """Read the settings of the app; raises HookError where they cannot be read."""
    listed = read_json(
        az("functionapp", "config", "appsettings", "list", *deployment.app, "--output", "json")
    )
    return {item["name"]: item["value"] or "" for item in listed}


def main(environ: Mapping[str, str], screen: TextIO) -> int:
    """Check, print, and give the exit code: 0 usable, 1 not."""
    try:
        deployment = Deployment(values=environ)
        found = faults(app_settings(AzureCli(deployment.subscription_id), deployment))
    except HookError as error:
        found = [str(error)]
    for fault in found:
        print(fault, file=screen)
    if found:
        print(
            "Nothing was deployed. Mend infra/main.bicepparam or `azd env set`, then `azd provision`.",
            file=screen,
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.stderr))
