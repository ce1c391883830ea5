"""Holds: who or what keeps a lane back, and until when; a person's own can be set and ended here."""

from collections.abc import Iterator
from datetime import datetime

from operate.advice import EXPECTED, explained
from operate.desk import Desk
from operate.output import printable
from operate.page.frame import alert, badge, hint, lane, moment, owned_by, table
from operate.page.html import Content, Html, tag
from operate.page.request import Answer, Request
from shared.model.hold import LaneState
from shared.model.lane import EVERYTHING, NEW, Lane


def holds(desk: Desk, _request: Request) -> Answer:
    """Show every lane that has rows or a state, and the routes that have none."""
    return Answer(title="Holds", body=_holds(desk), place="holds")


def held_by(state: LaneState | None, now: datetime) -> Content:
    """Return who or what holds a lane, for how long, why, and when it is tried next."""
    if state is None or not state.is_held:
        return None
    said: list[Content] = []
    if person := state.person:
        words = (
            "by ",
            tag("bdi", person.who),
            " for ",
            moment(person.since, now),
            ": ",
            tag("bdi", person.why),
        )
        said.append(tag("div", badge("held", "held"), " ", words))
    if hold := state.hold:
        due = moment(hold.next_probe, now) if hold.next_probe > now else "with the next drain"
        tried = (" for ", moment(hold.since, now), ", next try ", due, owned_by(hold.owner))
        message = tag("span", hold.message, class_="message")
        said.append(tag("div", badge(hold.reason, "held"), tried, message))
    if state.moving_since:
        since = moment(state.moving_since, now)
        said.append(tag("div", badge("moving", "held"), " to another DAG for ", since))
    return said


def _holds(desk: Desk) -> Iterator[Html]:
    now = desk.timing.now()
    everything = desk.outbox.state(EVERYTHING)
    is_held = everything is not None and everything.person is not None
    yield tag(
        "section",
        tag("h2", "Everything"),
        tag("p", held_by(everything, now) or "Nothing holds all lanes."),
        tag(
            "form",
            _button(is_held=is_held, route=EVERYTHING.key, label="everything"),
            method="post",
            action="hold",
        ),
    )
    yield tag("h2", "Lanes")
    try:
        routes = {route.id: route.name for route in desk.routes.routes if route.dag_id}
    except EXPECTED as error:
        routes = {}
        yield alert(explained(error, desk))
    rows = list(_rows(desk, now, routes))
    if rows:
        yield tag("form", *table("Lanes and their holds", ("Route and DAG", "Hold", ""), rows), method="post")
    yield hint(
        "A person's hold stops live calls within a minute, keeps everything, and ends only here or with "
        "blob-to-dag release. The app's own end with the first delivery that succeeds."
    )


def _rows(desk: Desk, now: datetime, routes: dict[str, str]) -> Iterator[Html]:
    idle = dict(routes)
    for head in desk.outbox.lanes():
        known = (
            head.state.lane
            if head.state
            else head.row.pending.lane
            if head.row and head.row.pending
            else None
        )
        if known is None or known == EVERYTHING:
            continue
        idle.pop(known.route_id, None)
        yield _row(known, head.state, now)
    for route_id in idle:
        yield _row(Lane(route_id=route_id, dag_id="every DAG"), None, now)


def _row(known: Lane, state: LaneState | None, now: datetime) -> Html:
    is_held = state is not None and state.person is not None
    button = None if known == NEW else _button(is_held=is_held, route=known.route_id, label=known.route_id)
    held = held_by(state, now) or tag("span", "none", class_="quiet")
    return tag(
        "tr", tag("td", lane(known.route_id, known.dag_id)), tag("td", held), tag("td", button, class_="last")
    )


def _button(*, is_held: bool, route: str, label: str) -> Html:
    verb = "Release" if is_held else "Hold"
    return tag(
        "button",
        f"{verb}…",
        name="route",
        value=route,
        formaction=verb.lower(),
        aria_label=f"{verb} {printable(label)}",
    )
