"""docs/events.md and the code name the same events, with the same levels and keys."""

import pytest

from tests.support.events_page import PAGE, Event, catalogue, code, key_table, logged

CATALOGUE, CODE = catalogue(PAGE), code()


def test_every_event_is_in_the_catalogue_and_in_the_code() -> None:
    """In both directions."""
    assert CATALOGUE.keys() == CODE.keys()
    assert len(CODE) > 30


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_event_has_the_keys_and_levels_of_the_catalogue(name: str) -> None:
    """Alerts and people read them."""
    assert CATALOGUE[name].keys == CODE[name].keys
    assert CATALOGUE[name].levels <= CODE[name].levels


def test_every_level_of_the_code_is_in_the_catalogue() -> None:
    """A call that may log two events at two levels logs not each at both."""
    for name, event in CODE.items():
        same_call = {other for other in CODE if CODE[other] == event} | {name}
        assert event.levels == set[str]().union(*(CATALOGUE[other].levels for other in same_call)), name


def test_every_key_is_explained_once_in_order() -> None:
    """With its unit."""
    keys = key_table(PAGE)

    assert keys == sorted(set[str]().union(*(event.keys for event in CODE.values())))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('self._log.info("a.b", x=1, y=2)', {"a.b": Event({"info"}, {"x", "y"})}),
        ('log.error("a.b" if x else "a.c")', {"a.b": Event({"error"}), "a.c": Event({"error"})}),
        (
            'write = log.info if x else log.error\nwrite("a.b", k=1)',
            {"a.b": Event({"info", "error"}, {"k"})},
        ),
        ('logger.info("a.b")\nmath.log("a")', {}),
    ],
)
def test_calls_are_found(source: str, expected: dict[str, Event]) -> None:
    """The comparison is worth what it finds."""
    assert logged(source) == expected


@pytest.mark.parametrize("source", ["log.info(name)", "log.info(f'a.{b}', **keys)", 'log.info("a", **keys)'])
def test_call_that_hides_its_event_or_keys_is_refused(source: str) -> None:
    """It could not be compared."""
    with pytest.raises(AssertionError, match=r"written out|so must its keys"):
        logged(source)
