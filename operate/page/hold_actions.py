"""A person's holds on the page: said first, then set or ended."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from operate.desk import Desk
from operate.page.confirm import confirmation
from operate.page.frame import alert, badge, hint, link, table
from operate.page.html import Html, tag
from operate.page.request import Answer, PageError, Request
from operate.person_holds import Change, hold, lanes_of, release
from shared.model.hold import PersonHold
from shared.model.lane import EVERYTHING, Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldAction:
    """Sets or ends holds.

    Attributes:
        name: In the address.
        verb: For people.
        is_hold: Whether it sets one, so that a reason is asked for.
        act: Does it, of a desk, the lanes, the operator and their reason.
    """

    name: str
    verb: str
    is_hold: bool
    act: Callable[[Desk, list[Lane], str, str], list[Change]]

    def __call__(self, desk: Desk, request: Request) -> Answer:
        """Say which lanes it is about, or do it if the operator has confirmed that."""
        lanes = _lanes(desk, request)
        why = request.text("why")
        if not request.text("confirmed"):
            return Answer(title=f"{self.verb}: dry run", body=self._planned(lanes, request), place="holds")
        if self.is_hold and not why:
            msg = "Say why: it is shown to whoever looks at what waits."
            raise PageError(msg)
        changes = self.act(desk, lanes, request.who, why)
        return Answer(title=self.verb, body=self._done(desk, changes), place="holds")

    def _planned(self, lanes: list[Lane], request: Request) -> Iterator[Html]:
        yield tag("p", badge("dry run"), " Nothing was changed.")
        yield tag("p", f"Would {self.verb.lower()}:")
        yield tag("ul", [tag("li", tag("bdi", str(each))) for each in lanes])
        if self.is_hold:
            yield hint("Live calls stop within a minute. Events go on being taken and kept, none is sent.")
        yield confirmation(
            request,
            action=self.name,
            button=f"{self.verb} {len(lanes)} lane{'s' * (len(lanes) != 1)}",
            why="Why, for whoever looks at what waits" if self.is_hold else "",
        )
        yield _back()

    def _done(self, desk: Desk, changes: list[Change]) -> Iterator[Html]:
        rows = (
            tag("tr", tag("td", _mark(each)), tag("td", tag("bdi", each.lane)), tag("td", each.note))
            for each in changes
        )
        yield from table("Lanes", ("", "Route and DAG", "What"), rows)
        state = None if self.is_hold else desk.outbox.state(EVERYTHING)
        if state and state.person:
            yield alert("Everything is still on hold.")
        yield _back()


def _lanes(desk: Desk, request: Request) -> list[Lane]:
    name = request.exact("route")
    if not name:
        msg = "Say which route, or everything."
        raise PageError(msg)
    if name == EVERYTHING.key:
        return [EVERYTHING]
    return lanes_of([name], routes=desk.routes, outbox=desk.outbox)


def _mark(change: Change) -> Html:
    return badge("yes", "good") if change.is_done else badge("no", "bad")


def _back() -> Html:
    return tag("p", link("holds", "Back to the holds"))


def _hold(desk: Desk, lanes: list[Lane], who: str, why: str) -> list[Change]:
    return hold(desk.outbox, lanes, PersonHold(who=who, why=why, since=desk.timing.now()))


def _release(desk: Desk, lanes: list[Lane], _who: str, _why: str) -> list[Change]:
    return release(desk.outbox, lanes)


HOLD_ACTIONS = (
    HoldAction(name="hold", verb="Hold", is_hold=True, act=_hold),
    HoldAction(name="release", verb="Release", is_hold=False, act=_release),
)
