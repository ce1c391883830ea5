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
        ("EVENT_SOURCE", "poll"),
    ],
)
def test_fault_leaves_the_default_and_is_kept(name: str, value: str) -> None:
    """The function is there and says what is wrong when the first event comes."""
    bindings = Bindings.from_env({name: value})

    assert (bindings.path, bindings.source) == ("landing/{name}", "EventGrid")
    assert len(bindings.faults) == 1
    assert name in bindings.faults[0]
