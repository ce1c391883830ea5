"""What the app reads, declares and names, observed from its code."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import function_app
from shared.config.settings import Settings
from tests.infra.bicep import ROOT

USABLE = {
    "AIRFLOW_BASE_URL": "https://airflow.example.com",
    "AIRFLOW_DAG_ID": "a_dag",
    "KEY_VAULT_URI": "https://kv-example.vault.azure.net/",
    "AIRFLOW_CREDENTIAL_SECRET": "airflow-credentials",
    "LandingStorage__blobServiceUri": "https://landing.blob.core.windows.net/",
    "LandingStorage__queueServiceUri": "https://landing.queue.core.windows.net/",
    "AzureWebJobsStorage__blobServiceUri": "https://host.blob.core.windows.net/",
    "AzureWebJobsStorage__queueServiceUri": "https://host.queue.core.windows.net/",
    "AzureWebJobsStorage__tableServiceUri": "https://host.table.core.windows.net/",
}
"""Settings without a fault, so that the app reads all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppFacts:
    """What infra/ must agree with.

    Attributes:
        settings: Every app setting that shared/config/settings.py reads.
        functions: Trigger type by function name, such as `{"blob_to_dag": "blobTrigger"}`.
        connections: Prefixes of the connections of the functions' triggers.
        stores: Names of queues, containers and tables that the code uses.
    """

    settings: frozenset[str]
    functions: Mapping[str, str]
    connections: frozenset[str]
    stores: frozenset[str]


@cache
def observe() -> AppFacts:
    """Return the facts of the current code; a function app can list its functions once only."""
    functions = {str(item.get_function_name()): item for item in function_app.app.get_functions()}
    triggers = {name: item.get_trigger() for name, item in functions.items()}
    return AppFacts(
        settings=settings_read(),
        functions={name: str(trigger.type) for name, trigger in triggers.items() if trigger},
        connections=frozenset(
            connection
            for trigger in triggers.values()
            if (connection := getattr(trigger, "connection", None))
        ),
        stores=frozenset(stores_named()),
    )


def settings_read() -> frozenset[str]:
    """Return the name of every setting that the app reads."""
    asked = Asked(USABLE)
    Settings.from_env(asked)
    return frozenset(asked.names) | {setting.name for setting in Settings.table().values()}


class Asked(dict[str, str]):
    """An environment that records the names that are read."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]
        self.names.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> str:
        self.names.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.names.add(str(key))
        return super().__contains__(key)


def stores_named() -> Iterator[str]:
    """Yield the values of module constants whose names end in QUEUE, CONTAINER or TABLE.

    Queues and containers have a hyphen in their names, because `queue` alone is an event source; names of
    tables cannot have one and begin with `airflow`.
    """
    for path in [ROOT / "function_app.py", *sorted((ROOT / "shared").rglob("*.py"))]:
        yield from _store_constants(path)


def _store_constants(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text()).body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Constant):
            continue
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        value = str(node.value.value)
        is_queue_or_container = any(name.endswith(("QUEUE", "CONTAINER")) for name in names) and "-" in value
        is_table = any(name.endswith("TABLE") for name in names) and value.startswith("airflow")
        if is_queue_or_container or is_table:
            yield value
