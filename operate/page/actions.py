"""What the page can change: each first as a dry run, then, when the operator confirms, in earnest.

The work is that of the commands. While it goes on, its page grows; closing that stops it between two rows.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from operate.desk import Desk
from operate.drop import Drop
from operate.page.confirm import confirmation
from operate.page.frame import alert, badge, hint, link, table
from operate.page.html import Html, join, name_of_blob, tag
from operate.page.lists import SELECTED, TICKED, selection_of
from operate.page.request import Answer, PageError, Request
from operate.paging import SEPARATOR
from operate.replay import Replay
from operate.retry import Retry
from operate.work import Act, Done, carry_out
from shared.storage.rows import Row, read_row
from shared.storage.tables import Table

_MOST_SHOWN = 200
_TICK_ROWS = 100
"""Rows after which the page says how far it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is done with rows.

    Attributes:
        plan: Says what would be done with one row.
        run: Does it with all.
        after: What is to be said at the end; empty for nothing.
    """

    plan: Act
    run: Callable[[Iterable[Row]], Iterator[Done]]
    after: Callable[[], str] = str


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that is done with rows of one table.

    Attributes:
        name: In the address.
        verb: For people.
        place: The list that the rows are in.
        is_final: Whether the rows are gone without a run, so that a reason is asked for.
        work: Makes it, of a desk, the operator and their reason.
    """

    name: str
    verb: str
    place: str
    work: Callable[[Desk, str, str], Work]
    is_final: bool = False

    def __call__(self, desk: Desk, request: Request) -> Answer:
        """Say what would be done, or do it if the operator has confirmed that."""
        rows = desk.outbox_table if self.place == "waiting" else desk.dead_table
        chosen = _chosen(rows, request)
        why = request.text("why")
        if not request.text("confirmed"):
            body = self._planned(self.work(desk, request.who, why), chosen, request)
            return Answer(title=f"{self.verb}: dry run", body=body, place=self.place)
        if self.is_final and not why:
            msg = "Say why nothing is to run for them: whoever looks for the files will ask."
            raise PageError(msg)
        body = self._done(self.work(desk, request.who, why), chosen)
        return Answer(title=self.verb, body=body, place=self.place)

    def _planned(self, work: Work, chosen: Iterable[Row], request: Request) -> Iterator[Html]:
        yield tag("p", badge("dry run"), " Nothing was changed.")
        tally = Tally()
        yield from tally.shown(map(work.plan, chosen), lambda _: True)
        if not tally.count:
            yield tag(
                "p", "No row is selected: it was delivered meanwhile, or nothing is ticked.", class_="empty"
            )
            yield _back(self.place)
            return
        yield tag("p", f"Would {self.verb.lower()} {tally.said()}.", class_="sum")
        if tally.done:
            yield self._confirm(request, tally)
        yield _back(self.place)

    def _confirm(self, request: Request, tally: "Tally") -> Html:
        return confirmation(
            request,
            action=self.name,
            button=f"{self.verb} {tally.done:,} row{'s' * (tally.done != 1)}",
            why="Why nothing is to run for them" if self.is_final else "",
            after=hint("The rows are read anew for it: others go on meanwhile."),
        )

    def _done(self, work: Work, chosen: Iterable[Row]) -> Iterator[Html]:
        yield hint("Closing this page stops it; nothing is half done, and the same again goes on.")
        tally = Tally()
        yield from tally.shown(work.run(chosen), lambda done: not done.is_done)
        yield tag("p", f"{self.verb}: {tally.said()}.", class_="sum", role="status")
        if tally.count > tally.done:
            yield tag("p", "The others are as they were.")
        if said := work.after():
            yield alert(said)
        yield _back(self.place)


class Tally:
    """Counts what came of rows, and shows the first of them."""

    def __init__(self) -> None:
        self.count = self.done = 0

    def said(self) -> str:
        """Return the numbers."""
        return f"{self.done:,} of {self.count:,}"

    def shown(self, results: Iterable[Done], wanted: Callable[[Done], bool]) -> Iterator[Html]:
        """Yield a table of the first results that are wanted; the others are counted."""
        kept: list[Done] = []
        left_out = 0
        for done in results:
            self.count += 1
            self.done += done.is_done
            if not wanted(done):
                pass
            elif len(kept) < _MOST_SHOWN:
                kept.append(done)
            else:
                left_out += 1
            if self.count % _TICK_ROWS == 0:
                yield tag("p", f"{self.count:,} rows …", class_="tick")
        yield tag("p", class_="tick")
        if kept:
            yield join(list(table("Rows", ("", "File", "What"), map(_row, kept))))
        if left_out:
            yield hint(f"And {left_out:,} more.")


def _row(done: Done) -> Html:
    mark = badge("yes", "good") if done.is_done else badge("no", "bad")
    return tag("tr", [tag("td", cell) for cell in (mark, name_of_blob(done.path), done.note)])


def _chosen(rows: Table, request: Request) -> Iterator[Row]:
    """Return the ticked rows that are still there, or those that the filter selects.

    Raises:
        PageError: The form says neither.
    """
    match request.text("scope"):
        case scope if scope == TICKED:
            return _ticked(rows, request)
        case scope if scope == SELECTED:
            return selection_of(request).rows(rows)
    msg = "Say what to act on: the ticked rows, or all that the filter selects."
    raise PageError(msg)


def _ticked(rows: Table, request: Request) -> Iterator[Row]:
    for keys in request.all("row"):
        partition, _, key = keys.partition(SEPARATOR)
        if entity := rows.get(partition, key):
            yield read_row(entity)


def _back(place: str) -> Html:
    return tag("p", link(place, "Back to the list"))


def _replay(desk: Desk, who: str, _why: str) -> Work:
    work = Replay.at(desk, who=who)
    return Work(plan=work.dry_run, run=partial(carry_out, act=work.replay))


def _drop(desk: Desk, who: str, why: str, *, letters: bool) -> Work:
    work = Drop.at(desk, who=who, why=why)
    return Work(plan=work.dry_run, run=partial(carry_out, act=work.letter if letters else work.row))


def _retry(desk: Desk, _who: str, _why: str) -> Work:
    work = Retry.at(desk)
    return Work(plan=work.dry_run, run=work.run, after=work.held)


ACTIONS = (
    Action(name="waiting-retry", verb="Retry", place="waiting", work=_retry),
    Action(
        name="waiting-drop", verb="Drop", place="waiting", work=partial(_drop, letters=False), is_final=True
    ),
    Action(name="dead-replay", verb="Replay", place="dead", work=_replay),
    Action(name="dead-drop", verb="Drop", place="dead", work=partial(_drop, letters=True), is_final=True),
)
