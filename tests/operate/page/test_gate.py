"""Who may ask the page for anything."""

from http import HTTPStatus

import pytest

from operate.page.gate import Gate

GATE = Gate(host="127.0.0.1:4711", token="secret")
OWN = "http://127.0.0.1:4711"


@pytest.mark.parametrize(
    "target", ["/", "/wrong/", "/secre/", "/secrets/", "/x/secret/", "/?secret", "//secret/"]
)
def test_address_without_the_token_is_refused(target: str) -> None:
    """Other programs and users of the machine reach the port, too."""
    refusal = GATE.refusal("GET", target, host=GATE.host, origin=None)

    assert refusal is not None
    assert refusal.status == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("host", ["", "localhost:4711", "127.0.0.1", "127.0.0.1:80", "evil.example:4711"])
def test_other_name_for_the_address_is_refused(host: str) -> None:
    """A website may have its own name resolved to 127.0.0.1."""
    refusal = GATE.refusal("GET", "/secret/", host=host, origin=None)

    assert refusal is not None
    assert refusal.status == HTTPStatus.MISDIRECTED_REQUEST


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "https://127.0.0.1:4711", f"{OWN}0"])
def test_request_of_another_website_is_refused(method: str, origin: str) -> None:
    """Even of one that has learnt the token."""
    refusal = GATE.refusal(method, "/secret/waiting", host=GATE.host, origin=origin)

    assert refusal is not None
    assert refusal.status == HTTPStatus.FORBIDDEN


def test_form_without_an_origin_is_refused() -> None:
    """Every browser names it."""
    assert GATE.refusal("POST", "/secret/hold", host=GATE.host, origin=None)


@pytest.mark.parametrize(("method", "origin"), [("GET", None), ("GET", OWN), ("POST", OWN)])
def test_own_request_passes(method: str, origin: str | None) -> None:
    """A link has no origin, a form has."""
    assert GATE.refusal(method, "/secret/waiting?route=x", host=GATE.host, origin=origin) is None


def test_token_is_long_new_with_each_start_and_hidden() -> None:
    """Nobody guesses it, and no log shows it."""
    one, other = Gate(host="127.0.0.1:1"), Gate(host="127.0.0.1:1")

    assert one.token != other.token
    assert len(one.token) >= 43
    assert one.token not in repr(one)
    assert one.address == f"http://127.0.0.1:1/{one.token}/"
