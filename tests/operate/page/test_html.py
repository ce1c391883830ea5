"""Markup is made by `tag` alone, and every text in it is escaped."""

import pytest

from operate.page.html import join, name_of_blob, tag

HOSTILE = "</td><script>alert('x')</script>\"&"


def test_texts_are_escaped_wherever_they_stand() -> None:
    """As content, in lists, and as values."""
    escaped = "&lt;/td&gt;&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&quot;&amp;"

    assert tag("b", HOSTILE, [HOSTILE]) == f"<b>{escaped}{escaped}</b>"
    assert tag("input", value=HOSTILE) == f'<input value="{escaped}">'


def test_elements_are_not_escaped_again() -> None:
    """They are made by the same function."""
    assert tag("p", tag("b", "x"), None, "&") == "<p><b>x</b>&amp;</p>"


def test_attributes_without_a_value_are_left_out() -> None:
    """So a view need not ask."""
    shown = tag("input", checked=True, disabled=False, id=None, tabindex=0, aria_label="x", class_="y")

    assert shown == '<input checked tabindex="0" aria-label="x" class="y">'


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\u200b", "\x00", "\x1b"])
def test_characters_that_are_not_seen_are_shown_as_escapes(character: str) -> None:
    """A name must not look like another one, or turn the text around it."""
    shown = join(f"a{character}b")

    assert character not in shown
    assert ascii(character)[1:-1] in shown


def test_name_stays_on_one_line_and_keeps_its_direction_to_itself() -> None:
    """Line breaks and Arabic letters are allowed in names."""
    assert name_of_blob("a\nب") == '<bdi class="name">a\\nب</bdi>'
