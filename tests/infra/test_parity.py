"""infra/ and the app agree, and a name that changes on one side only is noticed."""

import re
from dataclasses import replace

import pytest

from shared.config.bindings import Bindings
from tests.infra.app_facts import AppFacts, observe
from tests.infra.bicep import INFRA, Sources, load
from tests.infra.parity import (
    LOCAL_ONLY,
    READ_BY_THE_PLATFORM,
    function_faults,
    settings_faults,
    store_faults,
    stores_made,
)


@pytest.fixture(scope="module")
def app() -> AppFacts:
    """Return the app as it is."""
    return observe()


@pytest.fixture(scope="module")
def sources() -> Sources:
    """Return the templates as they are."""
    return load()


def test_every_setting_that_is_read_is_set_and_no_other(sources: Sources, app: AppFacts) -> None:
    """An app setting is set by infra, or may be set through tuning.bicep, exactly if something reads it."""
    assert settings_faults(sources, app) == []


def test_functions_and_connections_agree(sources: Sources, app: AppFacts) -> None:
    """The webhook calls a function that the app has; its connection has all of its settings."""
    assert function_faults(sources, app) == []


def test_queues_containers_and_tables_agree(sources: Sources, app: AppFacts) -> None:
    """What the code uses is made, and what is made is used."""
    assert store_faults(sources, app) == []


def test_the_stores_of_both_variants_are_found(sources: Sources) -> None:
    """Queues (poison queues as well), containers and tables are read from the templates."""
    expected = {
        *("airflow-events", "airflow-events-poison", "webjobs-blobtrigger-poison"),
        *("airflow-outbox", "eventgrid-deadletter"),
        *("airflowoutbox", "airflowdead", "airflowsettled"),
    }

    assert expected <= stores_made(sources)


def test_tables_are_in_the_apps_own_account(sources: Sources) -> None:
    """The app has the role for tables there, and only there."""
    with_tables = {
        (file, name)
        for file, source in sources.items()
        for name, module in source.modules.items()
        if "tables" in module.body["params"] and module.kind.endswith("storage.bicep")
    }

    assert with_tables == {("group.bicep", "hostStorage")}
    assert "'Storage Table Data Contributor'" in sources["modules/roles.bicep"].text


def test_the_landing_path_is_one_that_the_app_takes(sources: Sources) -> None:
    """LANDING_PATH with the defaults of the parameters, and with a prefix, is a path without a fault."""
    template = sources["modules/function.bicep"].variables["appSettings"]
    assert isinstance(template, dict)
    for prefix in ("", "incoming/"):
        path = str(template["LANDING_PATH"]).replace("${landing.containers[0]}", "landing")
        bindings = Bindings.from_env({"LANDING_PATH": path.replace("${landing.prefix}", prefix)})

        assert bindings.faults == ()
        assert bindings.path == f"landing/{prefix}{{name}}"


def test_the_app_takes_both_event_sources(sources: Sources) -> None:
    """EVENT_SOURCE of either variant is one that the app knows, and the right one."""
    template = sources["modules/function.bicep"].variables["appSettings"]
    assert isinstance(template, dict)
    written = re.fullmatch(r"useWebhook \? '(\w+)' : '(\w+)'", getattr(template["EVENT_SOURCE"], "text", ""))
    assert written
    by_webhook, by_queue = (Bindings.from_env({"EVENT_SOURCE": value}) for value in written.groups())

    assert by_webhook.faults == by_queue.faults == ()
    assert by_webhook.source == "EventGrid"
    assert (by_webhook.is_queue_mode, by_queue.is_queue_mode) == (False, True)


def _mutated(file: str, old: str, new: str) -> Sources:
    text = (INFRA / file).read_text()
    assert old in text
    return load({file: text.replace(old, new)})


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("modules/function.bicep", "  AIRFLOW_BASE_URL:", "  AIRFLOW_URL:"),
        ("modules/function.bicep", "  PYTHON_THREADPOOL_THREAD_COUNT:", "  PYTHON_THREADS:"),
        ("modules/function.bicep", "  LANDING_PATH:", "  // LANDING_PATH:"),
        ("modules/function.bicep", "  EVENT_SOURCE:", "  EVENTS_SOURCE:"),
        ("modules/function.bicep", "  LandingStorage__blobServiceUri:", "  Landing__blobServiceUri:"),
        ("modules/function.bicep", "  EVENT_SOURCE:", "  AIRFLOW_PASSWORD: ''\n  EVENT_SOURCE:"),
        ("modules/tuning.bicep", "CONF_MAX_BYTES", "CONF_MAX_SIZE"),
        ("modules/tuning.bicep", "CONF_MAX_BYTES", "LANDING_PATH: string?\n  CONF_MAX_BYTES"),
        ("modules/tuning.bicep", "  CONF_MAX_BYTES: string?\n", ""),
    ],
)
def test_a_setting_renamed_in_infra_is_noticed(app: AppFacts, file: str, old: str, new: str) -> None:
    """Renamed, left out, doubled or secret: each is a fault."""
    assert settings_faults(_mutated(file, old, new), app) != []


def test_each_setting_renamed_in_the_app_is_noticed(sources: Sources, app: AppFacts) -> None:
    """The faults name both: the new name that is not set, and the old one that is not read."""
    for name in sorted(app.settings - set(LOCAL_ONLY) - set(READ_BY_THE_PLATFORM)):
        renamed = replace(app, settings=(app.settings - {name}) | {f"{name}_2"})

        faults = settings_faults(sources, renamed)

        assert any(fault.startswith(f"{name}_2 is read") for fault in faults)
        assert any(fault.startswith(f"{name} is in infra") for fault in faults)


@pytest.mark.parametrize("file", ["modules/function.bicep", "modules/tuning.bicep"])
def test_each_setting_renamed_in_infra_is_noticed(app: AppFacts, file: str) -> None:
    """Every single line of both lists matters."""
    written = re.findall(r"(?m)^  (\w+):", (INFRA / file).read_text())
    names = [name for name in written if name in app.settings]

    assert len(names) > 8
    for name in names:
        assert settings_faults(_mutated(file, f"  {name}:", f"  {name}_2:"), app) != []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("group.bicep", "var functionName = 'blob_to_dag'", "var functionName = 'blob_to_dags'"),
        ("group.bicep", "APP_FUNCTION_NAME string = functionName", "APP_FUNCTION_NAME string = name.app"),
        ("modules/function.bicep", "'function:queue_to_dag'", "'function:queue_to_run'"),
        ("modules/function.bicep", "'function:queue_to_dag'", "'function:blob_to_dag'"),
        ("subscription.bicep", "Host.Functions.${functionName}", "Host.Functions.blob_to_dag2"),
        ("subscription.bicep", "functionName=Host.Functions.", "functionName="),
        ("subscription.bicep", "/runtime/webhooks/blobs", "/runtime/webhooks/eventgrid"),
        ("modules/function.bicep", "  LandingStorage__queueServiceUri:", "  Landing__queueServiceUri:"),
        ("modules/function.bicep", "  LandingStorage__credential:", "  // LandingStorage__credential:"),
    ],
)
def test_a_function_or_connection_renamed_in_infra_is_noticed(
    app: AppFacts, file: str, old: str, new: str
) -> None:
    """Event Grid would get 404, or the host would find no account."""
    assert function_faults(_mutated(file, old, new), app) != []


def test_a_function_renamed_in_the_app_is_noticed(sources: Sources, app: AppFacts) -> None:
    """The webhook would name a function that the host does not know, and drop events as done."""
    others = {name: kind for name, kind in app.functions.items() if name != "blob_to_dag"}

    assert function_faults(sources, replace(app, functions=others | {"blob_to_run": "blobTrigger"})) != []
    assert function_faults(sources, replace(app, functions=others | {"blob_to_dag": "queueTrigger"})) != []
    assert function_faults(sources, replace(app, functions={"blob_to_dag": "blobTrigger"})) != []


def test_a_connection_renamed_in_the_app_is_noticed(sources: Sources, app: AppFacts) -> None:
    """The host would find no settings under the new prefix."""
    assert function_faults(sources, replace(app, connections=frozenset({"Inbox"}))) != []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("group.bicep", "var outboxTable = 'airflowoutbox'", "var outboxTable = 'outbox'"),
        ("group.bicep", "var deadTable = 'airflowdead'", "var deadTable = 'dead'"),
        ("group.bicep", "var leaseContainer = 'airflow-outbox'", "var leaseContainer = 'outbox'"),
        ("group.bicep", "var eventQueue = 'airflow-events'", "var eventQueue = 'events'"),
        (
            "modules/landing.bicep",
            "var poisonQueue = 'webjobs-blobtrigger-poison'",
            "var poisonQueue = 'blob-poison'",
        ),
        ("group.bicep", "queues: [eventQueue, ", "queues: ["),
        ("group.bicep", "[packageContainer, leaseContainer, ", "[packageContainer, "),
        ("group.bicep", "tables: [outboxTable, ", "tables: ["),
    ],
)
def test_a_store_renamed_in_infra_is_noticed(app: AppFacts, file: str, old: str, new: str) -> None:
    """The app would read or write something that does not exist."""
    assert store_faults(_mutated(file, old, new), app) != []


@pytest.mark.parametrize(
    "name", ["airflowoutbox", "airflowdead", "airflowsettled", "airflow-outbox", "airflow-events"]
)
def test_a_store_renamed_in_the_app_is_noticed(sources: Sources, app: AppFacts, name: str) -> None:
    """The faults name both."""
    faults = store_faults(sources, replace(app, stores=(app.stores - {name}) | {f"{name}-2"}))

    assert f"{name}-2 is used by the code, but infra does not create it" in faults
    assert f"{name} is created by infra, but nothing uses it" in faults
