"""`read_toml`: whatever the text is, a document or one sentence, soon."""

import time

import pytest

from shared.model.errors import Misconfigured
from shared.routes.reader import read_routes
from shared.routes.toml_reader import read_toml

ROUTE = '[[route]]\nname = "a"\nmatch = "landing/**"\ndag_id = "load"\n'
MEGABYTE = 1_000_000

HOSTILE = {
    "an integer of 5,000 digits": (ROUTE + "min_size = " + "1" * 5_000, "an integer of more than 64 bits"),
    "a hexadecimal one": (ROUTE + "min_size = 0x" + "f" * 5_000, "an integer of more than 64 bits"),
    "one in conf, which no event could be sent with": (
        ROUTE + "conf = { a = [{ b = 0x" + "f" * 5_000 + " }] }",
        "an integer of more than 64 bits",
    ),
    "the first that is too long": (ROUTE + f"conf = {{ a = {2**63} }}", "an integer of more than 64 bits"),
    "a key without an end": (".".join("a" * (MEGABYTE // 2)) + " = 1", "a key of more than 50 parts"),
    "one of quoted parts": (".".join(['"a b"'] * 51) + " = 1", "a key of more than 50 parts"),
    "one with spaces": ("[" + "a . " * 51 + "b]", "a key of more than 50 parts"),
    "one in a table": (ROUTE + "conf = { " + "'a'." * 51 + "b = 1 }", "a key of more than 50 parts"),
    "arrays in arrays": ("x = " + "[" * 100_000, "nested too deeply"),
    "no TOML": ("\x00", "is not valid TOML: Invalid statement"),
}


@pytest.mark.parametrize(("text", "told"), HOSTILE.values(), ids=HOSTILE)
def test_text_that_nobody_meant_is_refused_at_once(text: str, told: str) -> None:
    """It is a fault like any other: who may write ROUTES_BLOB cannot stop the app."""
    start = time.thread_time()

    with pytest.raises(Misconfigured, match=told):
        read_toml(text, origin="ROUTES_BLOB")

    assert time.thread_time() - start < 5


@pytest.mark.parametrize(
    "text", ['"' * MEGABYTE, "a" * MEGABYTE, "a." * 49 + "\n", ("a." * 49 + ",") * 9_000]
)
def test_look_for_endless_keys_takes_linear_time(text: str) -> None:
    """Also where none is: these are refused by the parser, or are long texts."""
    start = time.thread_time()

    assert read_toml(f"# {text}", origin="test") == {}
    assert time.thread_time() - start < 5


def test_what_people_write_is_read() -> None:
    """The largest integers, and names with many dots."""
    text = f'a.b.c = {2**63 - 1}\nd = "{".".join("www" for _ in range(40))}"\ne = [-1, true, 1.5]'

    assert read_toml(text, origin="test")["a"] == {"b": {"c": 2**63 - 1}}


def test_message_of_a_thousand_faults_shows_a_hundred() -> None:
    """It is one line of a log."""
    with pytest.raises(Misconfigured) as refused:
        read_routes(ROUTE + "".join(f"k{number} = 1\n" for number in range(1_000)), origin="test")

    assert str(refused.value).count("\n") == 101
    assert str(refused.value).endswith("\n  and 900 more")
