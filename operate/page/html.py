"""`tag`: HTML whose texts are escaped, whoever wrote them."""

import html
from collections.abc import Iterable

from operate.output import printable

type Content = str | Html | Iterable[Content] | None
type Attribute = str | int | bool | None

_VOID = {"br", "hr", "input", "link", "meta"}


class Html(str):
    """Markup, as it stands. Only this file makes any."""

    __slots__ = ()


def tag(name: str, /, *content: Content, **attributes: Attribute) -> Html:
    """Return an element.

    Args:
        name: Such as `td`.
        content: Texts, elements, or lists of them; None for nothing.
        attributes: A `_` at the end is left out, others stand for `-`; None and False leave one out.
    """
    opening = begin(name, **attributes)
    return opening if name in _VOID else Html(f"{opening}{join(content)}</{name}>")


def begin(name: str, /, **attributes: Attribute) -> Html:
    """Return only the beginning of an element, for a page that is sent as it is made."""
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
    texts = (
        f" {key}" if value is True else f' {key}="{html.escape(str(value))}"'
        for key, value in given.items()
        if value is not None and value is not False
    )
    return Html(f"<{name}{''.join(texts)}>")


def end(name: str) -> Html:
    """Return the end of an element."""
    return Html(f"</{name}>")


def join(content: Content) -> Html:
    """Return pieces as one."""
    if content is None:
        return Html()
    if isinstance(content, Html):
        return content
    if isinstance(content, str):
        return Html(html.escape("\n".join(map(printable, content.split("\n")))))
    return Html("".join(map(join, content)))


def name_of_blob(text: str) -> Html:
    """Return a name that others chose: on one line, and with a direction of its own."""
    return tag("bdi", printable(text), class_="name")


DOCTYPE = Html("<!doctype html>\n")
