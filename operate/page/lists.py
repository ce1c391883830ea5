"""What waits and what is dead, a page at a time, with what can be done about it."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from operate.advice import EXPECTED
from operate.desk import Desk
from operate.items import Item
from operate.output import printable
from operate.page.frame import badge, file_link, hint, lane, link, moment, table
from operate.page.html import Content, Html, begin, end, name_of_blob, tag
from operate.page.request import Answer, Request
from operate.paging import Slice, page_of, row_id
from operate.selection import Selection, nothing_selected
from shared.storage.tables import Table

TICKED, SELECTED = "ticked", "selected"
"""What a form is about: the rows with a tick, or all that the filter selects."""

_TITLES = {"waiting": "What waits", "dead": "Dead letters"}
_TICK = tag("span", "Tick", class_="hidden")
_HEADERS = {
    "waiting": (_TICK, "Waits", "Due", "Reason", "Route and DAG", "File"),
    "dead": (_TICK, "Dead", "Reason", "Route and DAG", "File"),
}
_ACTIONS = {
    "waiting": {"waiting-retry": "Retry…", "waiting-drop": "Drop…"},
    "dead": {"dead-replay": "Replay…", "dead-drop": "Drop…"},
}


def waiting(desk: Desk, request: Request) -> Answer:
    """List what waits, lane by lane, oldest event first."""
    return Answer(title="Waiting", body=_list(desk, request, "waiting"), place="waiting")


def dead(desk: Desk, request: Request) -> Answer:
    """List the dead letters, lane by lane."""
    return Answer(title="Dead letters", body=_list(desk, request, "dead"), place="dead")


def selection_of(request: Request) -> Selection:
    """Return the filter of a list."""
    return Selection(
        route=request.text("route"), reason=request.text("reason"), prefix=request.exact("prefix")
    )


def _list(desk: Desk, request: Request, place: str) -> Iterator[Html]:
    rows = desk.outbox_table if place == "waiting" else desk.dead_table
    selection = selection_of(request)
    yield _filter(desk, selection, place)
    found = page_of(rows, selection, after=request.exact("after"), owners=desk.owners)
    if not found.items:
        yield tag("p", _nothing(selection, rows, request.exact("after")), class_="empty")
        return
    now = desk.timing.now()
    yield begin("form", method="post", action=next(iter(_ACTIONS[place])))
    yield from table(_TITLES[place], _HEADERS[place], _rows(found.items, place, now))
    yield _actions(selection, _ACTIONS[place])
    yield end("form")
    yield _paging(found, selection, place, is_first=not request.exact("after"))


def _filter(desk: Desk, selection: Selection, place: str) -> Html:
    return tag(
        "form",
        _field("route", "Route", selection.route, list="route-ids"),
        _field("reason", "Reason", selection.reason),
        _field("prefix", "Name begins with", selection.prefix, placeholder="landing/orders/", is_wide=True),
        tag("datalist", [tag("option", value=name) for name in _routes(desk)], id="route-ids"),
        tag("button", "Filter"),
        link(place, "Show all") if str(selection) else None,
        class_="filter",
        action=place,
        aria_label="Filter",
    )


def _field(name: str, label: str, value: str, *, is_wide: bool = False, **attributes: str) -> Html:
    own = tag("input", id=name, name=name, value=value, autocomplete="off", spellcheck="false", **attributes)
    return tag("p", tag("label", label, for_=name), own, class_="wide" if is_wide else None)


def _routes(desk: Desk) -> Sequence[str]:
    try:
        return [route.id for route in desk.routes.routes]
    except EXPECTED:
        return ()


def _nothing(selection: Selection, rows: Table, after: str) -> str:
    if after:
        return "There is nothing behind this any more."
    return nothing_selected(selection, rows) if str(selection) else "There is nothing: all is delivered."


def _rows(items: Sequence[Item], place: str, now: datetime) -> Iterator[Html]:
    above = ""
    for item in items:
        # Hundreds of rows wait for the same thing, mostly; it is said once.
        message = "" if item.message == above else item.message
        above = item.message
        cells = _waiting(item, now) if place == "waiting" else _dead(item, now)
        file = tag("td", _blob(item), tag("span", message, class_="message") if message else None)
        yield tag("tr", _tick(item), [tag("td", cell) for cell in cells], file)


def _waiting(item: Item, now: datetime) -> tuple[Content, ...]:
    due = moment(item.due, now) if item.due and item.due > now else "now"
    return (
        moment(item.since, now),
        due,
        badge(item.reason or "new"),
        lane(item.route, item.dag_id, item.owner),
    )


def _dead(item: Item, now: datetime) -> tuple[Content, ...]:
    where = (
        lane(item.route, item.dag_id, item.owner) if item.route else tag("span", item.source, class_="quiet")
    )
    return moment(item.since, now), badge(item.reason, "bad"), where


def _tick(item: Item) -> Html:
    label = f"Tick {printable(item.path or item.key)}"
    return tag("td", tag("input", type="checkbox", name="row", value=row_id(item), aria_label=label))


def _blob(item: Item) -> Html:
    if item.path:
        return file_link(item.path)
    return link("letter", name_of_blob(item.key), row=row_id(item))


def _actions(selection: Selection, actions: dict[str, str]) -> Html:
    everything = f"all rows that the filter selects ({selection})" if str(selection) else "all rows"
    hidden = {"route": selection.route, "reason": selection.reason, "prefix": selection.prefix}
    return tag(
        "fieldset",
        tag("legend", "What to act on"),
        _radio(TICKED, "the ticked rows", is_on=True),
        _radio(SELECTED, everything),
        [tag("input", type="hidden", name=name, value=value) for name, value in hidden.items() if value],
        [tag("button", title, formaction=action) for action, title in actions.items()],
        hint("Each shows first what it would do."),
        class_="actions",
    )


def _radio(value: str, label: str, *, is_on: bool = False) -> Html:
    return tag("label", tag("input", type="radio", name="scope", value=value, checked=is_on), " ", label)


def _paging(found: Slice, selection: Selection, place: str, *, is_first: bool) -> Html:
    query = {"route": selection.route, "reason": selection.reason, "prefix": selection.prefix}
    return tag(
        "nav",
        None if is_first else link(place, "First page", **query),
        link(place, "Next page", **query, after=found.after) if found.after else hint("That is the end."),
        class_="paging",
        aria_label="Parts of the list",
    )
