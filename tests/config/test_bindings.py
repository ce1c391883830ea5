"""What decorators need is read at import and never stops the indexing of the app."""

import pytest

from shared.config.bindings import Bindings


def test_defaults_are_those_of_azure() -> None:
    """Nothing has to be set for the app to have its function."""
    bindings = Bindings.from_env({})

    assert (bindings.path, bindings.source, bindings.faults) == ("landing/{name}", "EventGrid", ())


@pytest.mark.parametrize("source", ["LogsAndContainerScan", "logsandcontainerscan"])
def test_source_is_read_in_any_case(source: str) -> None:
    """The host compares without case, so do we."""
    assert Bindings.from_env({"EVENT_SOURCE": source}).source == "LogsAndContainerScan"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LANDING_PATH", "{name}"),
        ("LANDING_PATH", "/x"),
        ("LANDING_PATH", "Landing/{name}"),
        ("LANDING_PATH", "landing/50%/{name}"),
        ("LANDING_PATH", "a\\b"),
        ("LANDING_PATH", "landing/"),
        ("LANDING_PATH", "landing/{name"),
        ("LANDING_PATH", "landing/name}"),
        ("LANDING_PATH", "landing/{na me}"),
        ("LANDING_PATH", "landing/{name:path}"),
        ("LANDING_PATH", "landing/*.csv"),
        ("LANDING_PATH", "landing/file?.csv"),
        ("EVENT_SOURCE", "poll"),
        ("RECONCILE_EVERY", "7h"),
        ("RECONCILE_EVERY", "always"),
    ],
)
def test_fault_leaves_the_default_and_is_kept(name: str, value: str) -> None:
    """The function is there and says what is wrong when the first event comes."""
    bindings = Bindings.from_env({name: value})

    assert (bindings.path, bindings.source) == ("landing/{name}", "EventGrid")
    assert bindings.reconcile_schedule == ""
    assert len(bindings.faults) == 1
    assert name in bindings.faults[0]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("landing/{name", "the host loads no function"),
        ("landing/*.csv", "would never call the function"),
        ("Landing/{name}", "a container has 3 to 63 lower-case letters"),
        ("/landing/{name}", "a container has 3 to 63 lower-case letters"),
    ],
)
def test_path_that_the_host_would_take_without_a_word_says_what_it_would_do(path: str, why: str) -> None:
    """The function would be in error, or silent."""
    (fault,) = Bindings.from_env({"LANDING_PATH": path}).faults

    assert fault.startswith(f"LANDING_PATH='{path}' must be a path such as landing/{{name}}: ")
    assert why in fault


@pytest.mark.parametrize("path", ["landing", "landing/{name}", "landing/a/{x}.{{y}}.csv", "$web/{a}/{b}"])
def test_path_of_the_host_is_taken(path: str) -> None:
    """A container alone, names in braces, and braces that are doubled."""
    bindings = Bindings.from_env({"LANDING_PATH": path})

    assert bindings.faults == ()
    assert bindings.path == path
