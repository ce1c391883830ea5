"""Compare infra/ with the app: functions that return a list of faults."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from tests.infra.app_facts import AppFacts
from tests.infra.bicep import Expression, Sources, Value

READ_BY_THE_PLATFORM: Mapping[str, str] = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "the host, to write telemetry with its identity",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "the host, where to write telemetry",
    "AZURE_CLIENT_ID": "azure-identity, which identity to use",
    "AzureWebJobsStorage__blobServiceUri": "the host, its own storage",
    "AzureWebJobsStorage__clientId": "the host, its own storage",
    "AzureWebJobsStorage__credential": "the host, its own storage",
    "AzureWebJobsStorage__queueServiceUri": "the host, its own storage",
    "AzureWebJobsStorage__tableServiceUri": "the host, for its diagnostic events",
    "LandingStorage__credential": "the host and the blob extension, to log in with the identity",
    "LandingStorage__queueServiceUri": "the host, which account holds the poison queue",
}
"""Settings that the platform or an SDK reads, and what for; the app's code may read them, too."""

LOCAL_ONLY: Mapping[str, str] = {
    "AIRFLOW_OAUTH_CLIENT_ID": "goes with a secret: the vault holds both",
    "AIRFLOW_OAUTH_CLIENT_SECRET": "a secret: the vault holds it",
    "AIRFLOW_PASSWORD": "a secret: the vault holds it",
    "AIRFLOW_TOKEN": "a secret: the vault holds it",
    "AIRFLOW_USERNAME": "goes with a secret: the vault holds both",
    "AZURE_CLIENT_SECRET": "a secret, which a managed identity does not need",
    "AzureWebJobsStorage": "a connection string holds a key",
    "LandingStorage": "a connection string holds a key",
}
"""Settings for the local stack only: they must never be set in Azure."""

USED_BY_OTHERS: Mapping[str, str] = {
    "app-package-${token}": "deployments of code",
    "eventgrid-deadletter": "Event Grid writes what it could not deliver",
    "airflow-events-poison": "the host writes what failed five times",
    "airflow-routes": "people put routes there, and ROUTES_BLOB names them",
}
"""Queues, containers and tables that infra makes for others than the app's current code."""


def settings_faults(sources: Sources, app: AppFacts) -> list[str]:
    """Compare the app settings that infra sets, or allows a deployment to set, with those that are read."""
    function = sources["modules/function.bicep"]
    always = _keys(function.variables["hostSettings"]) | _keys(function.variables["appSettings"])
    tunable = set(sources["modules/tuning.bicep"].types["tuningSettings"])
    faults = [
        f"{name} is read, but infra neither sets it nor lists it in tuning.bicep"
        for name in sorted(app.settings - always - tunable - set(LOCAL_ONLY))
    ]
    faults += [
        f"{name} is in infra, but nothing reads it"
        for name in sorted((always | tunable) - app.settings - set(READ_BY_THE_PLATFORM))
    ]
    faults += [
        f"{name} is both set and tunable: the tuning would silently win" for name in sorted(always & tunable)
    ]
    faults += [f"{name} must never be set in Azure" for name in sorted((always | tunable) & set(LOCAL_ONLY))]
    return faults


def function_faults(sources: Sources, app: AppFacts) -> list[str]:
    """Compare the webhook's function, the scale group and the connections with the app's functions."""
    main, function = sources["group.bicep"], sources["modules/function.bicep"]
    name = main.variables["functionName"]
    faults = []
    if app.functions.get(str(name)) != "blobTrigger":
        faults.append(f"{name} is not a function with a blob trigger; functions: {dict(app.functions)}")
    group = re.findall(r"'function:(\w+)'", function.text)
    if [app.functions.get(item) for item in group] != ["queueTrigger"]:
        faults.append(f"{group} is not the scale group of a function with a queue trigger")
    if main.outputs.get("APP_FUNCTION_NAME") != Expression("functionName"):
        faults.append("the output APP_FUNCTION_NAME is not the function's name")
    destination = sources["subscription.bicep"].resources["subscription"].body["properties"]["destination"]
    url = urlsplit(destination["properties"]["endpointUrl"])
    if url.path != "/runtime/webhooks/blobs":
        faults.append(f"the webhook's path is {url.path}")
    if parse_qs(url.query).get("functionName") != ["Host.Functions.${functionName}"]:
        faults.append(f"the webhook does not name the function: {url.query}")
    settings = _keys(function.variables["appSettings"]) | _keys(function.variables["hostSettings"])
    needed = {
        f"{prefix}__{part}"
        for prefix in app.connections
        for part in ("blobServiceUri", "clientId", "credential", "queueServiceUri")
    }
    return faults + [f"the connection setting {name} is missing" for name in sorted(needed - settings)]


def store_faults(sources: Sources, app: AppFacts) -> list[str]:
    """Compare the queues, containers and tables that infra makes with those that the code names."""
    made = stores_made(sources)
    faults = [
        f"{name} is used by the code, but infra does not create it" for name in sorted(app.stores - made)
    ]
    faults += [
        f"{name} is created by infra, but nothing uses it"
        for name in sorted(made - app.stores - set(USED_BY_OTHERS))
    ]
    return faults


def stores_made(sources: Sources) -> set[str]:
    """Return the names of the queues, containers and tables of every account, with variables resolved."""
    names: set[str] = set()
    for source in sources.values():
        variables = {name: value for name, value in source.variables.items() if isinstance(value, str)}
        for module in source.modules.values():
            if module.kind.endswith("storage.bicep"):
                for part in ("containers", "queues", "tables"):
                    names |= _names(module.body["params"].get(part, []), variables)
    return names


def _names(value: Value, variables: Mapping[str, str]) -> set[str]:
    if isinstance(value, list):
        return set().union(*(_names(item, variables) for item in value))
    text = value.text if isinstance(value, Expression) else str(value)
    found = {content for name, content in variables.items() if _mentions(text, name)}
    found |= {f"{variables[name]}-poison" for name in variables if f"${{{name}}}-poison" in text}
    return found


def _mentions(text: str, name: str) -> bool:
    separators = str.maketrans(dict.fromkeys("[],:?()", " "))
    return name in text.translate(separators).split()


def _keys(value: Value) -> set[str]:
    assert isinstance(value, dict)
    return set(value)
