"""`frame`: what surrounds every page, and the pieces that several of them have."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

from operate.output import age, span
from operate.page.html import DOCTYPE, Content, Html, begin, end, join, name_of_blob, tag
from operate.page.request import Answer

MENU = {
    "": "Overview",
    "waiting": "Waiting",
    "dead": "Dead letters",
    "holds": "Holds",
    "routes": "Routes",
}

_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath fill='%231f5fbf' d='M3 2h6l4 4v8H3z'/%3E"
    "%3Cpath fill='white' d='m6.5 6.5 4 2.5-4 2.5z'/%3E%3C/svg%3E"
)


def frame(answer: Answer, *, app: str) -> tuple[Html, Html]:
    """Return what comes before and after the body. Links have one level, so that none names the token."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{answer.title} · Blob to DAG"),
        tag("link", rel="icon", href=_ICON),
        tag("link", rel="stylesheet", href="style.css"),
    )
    menu = [
        tag("li", tag("a", title, href=place or "./", aria_current="page" if place == answer.place else None))
        for place, title in MENU.items()
    ]
    search = tag(
        "form",
        tag("label", "File", for_="search"),
        tag(
            "input",
            id="search",
            type="search",
            name="path",
            value=answer.path,
            placeholder="landing/orders/a.csv",
            autocomplete="off",
            spellcheck="false",
            required=True,
        ),
        tag("button", "Find"),
        role="search",
        action="file",
    )
    header = tag(
        "header",
        tag("p", tag("strong", "Blob to DAG"), " ", tag("span", app, class_="app"), class_="brand"),
        tag("nav", tag("ul", menu), aria_label="Pages"),
        search,
    )
    before = [
        *(DOCTYPE, begin("html", lang="en"), head, begin("body")),
        tag("a", "Skip to the content", href="#content", class_="skip"),
        header,
        begin("main", id="content"),
        tag("h1", answer.title),
    ]
    return join(before), join([end("main"), end("body"), end("html")])


def alert(text: str) -> Html:
    """Return what went wrong."""
    return tag("p", text, class_="alert", role="alert")


def hint(*content: Content) -> Html:
    """Return what is said beside the facts."""
    return tag("p", *content, class_="hint")


def badge(text: str, kind: str = "") -> Html:
    """Return a short word with a colour; the word alone says it, too."""
    return tag("span", text, class_=f"badge {kind}".strip())


def moment(time: datetime | None, now: datetime) -> Html | None:
    """Return how long ago something was, with the time itself."""
    if time is None:
        return None
    exact = f"{time:%Y-%m-%d %H:%M:%S} UTC"
    text = f"in {span(time - now)}" if time > now else age(time, now)
    return tag("time", text, datetime=time.isoformat(), title=exact)


def link(place: str, text: Content, **query: str) -> Html:
    """Return a link to another page."""
    given = urlencode({name: value for name, value in query.items() if value})
    return tag("a", text, href=f"{place}?{given}" if given else place or "./")


def file_link(path: str) -> Html:
    """Return a link to the story of a file."""
    return link("file", name_of_blob(path), path=path)


def lane(route: str, dag_id: str, owner: str = "") -> Html:
    """Return a route, its DAG, and who looks after it."""
    if not route:
        return tag("span", "no route yet", class_="quiet")
    arrow = tag("span", " → ", class_="quiet")
    return join([name_of_blob(route), arrow, name_of_blob(dag_id), owned_by(owner)])


def owned_by(owner: str) -> Html | None:
    """Return who looks after a route, where it says so."""
    return tag("span", ", owner ", tag("bdi", owner), class_="quiet") if owner else None


def table(caption: str, header: Sequence[Content], rows: Iterable[Html]) -> Iterable[Html]:
    """Return a table, row by row; wide ones are scrolled on their own, with the keyboard, too."""
    yield begin("div", class_="table", role="region", aria_label=caption, tabindex=0)
    yield begin("table")
    yield tag("caption", caption)
    yield tag("thead", tag("tr", [tag("th", title, scope="col") for title in header]))
    yield begin("tbody")
    yield from rows
    yield join([end("tbody"), end("table"), end("div")])


def facts(pairs: Mapping[str, Content]) -> Html:
    """Return names with their values; those without one are left out."""
    given = [(name, value) for name, value in pairs.items() if value]
    return tag("dl", [tag("div", tag("dt", name), tag("dd", value)) for name, value in given])
