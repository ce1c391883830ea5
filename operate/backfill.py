"""`Backfill`: sends files that have no run: those from before the app, and those whose event got lost."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from operate.desk import Desk
from operate.errors import DeskError
from operate.files import listed, split
from shared.jobs.lookout import Tables, what_is_known
from shared.jobs.missing import Judged, Known, Verdict, Window, judge
from shared.model.blob_event import account_from_url
from shared.storage.blob_reader import Listed

REASON = "backfill"
"""Of a row that a backfill has written; the next failure writes another one."""

_AGO = re.compile(r"([0-9]{1,5})([dhm])")
_PATTERN = set("*{}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """Compares the files below a path with what is known of them; nothing is kept on this machine.

    So it goes on after a break by itself: what was sent has a run, or waits.

    Attributes:
        desk: The app.
        path: `container/beginning of names`.
        window: Files that were written in it.
        changed: Whether to send also files of which another version is known.
        who: The person.
        counts: How many were found, by verdict.
    """

    desk: Desk
    path: str
    window: Window
    changed: bool = False
    who: str = ""
    counts: Counter[Verdict] = field(default_factory=Counter)

    def check(self) -> None:
        """Raise DeskError for a path that can be none, and for an Airflow that cannot tell."""
        split(self.desk, self.path)
        if _PATTERN & set(self.path):
            msg = f"{self.path!a} is a pattern: give the beginning of names, such as landing/orders/."
            raise DeskError(msg)
        if not self.desk.airflow.lists_conf:
            msg = (
                "Airflow 1.10 lists all runs at once, and without conf, so it cannot tell which files have "
                "one. `send` takes one file at a time."
            )
            raise DeskError(msg)

    def known(self, step: Callable[[], None]) -> Known:
        """Read what is known; calls `step` for each row and run."""
        desk = self.desk
        return what_is_known(
            Known(
                account=account_from_url(desk.landing.blobs.url),
                route_ids=[route.id for route in desk.routes.routes],
            ),
            Tables(waiting=desk.outbox_table, dead=desk.dead_table, settled=desk.settled_table),
            desk.routes,
            ask=desk.airflow.ask,
            since=self.window.since,
            step=step,
        )

    def plan(self, known: Known, step: Callable[[], None]) -> Iterator[Judged]:
        """Yield what is to be sent, blob by blob; calls `step` for each blob."""
        blobs = _counted(listed(self.desk, self.path), step)
        for judged in judge(blobs, routes=self.desk.routes, known=known, window=self.window):
            if judged.verdict in self._wanted or judged.verdict is Verdict.CHANGED:
                yield judged
            # When the next one is asked for, this one was sent.
            self.counts[judged.verdict] += 1

    @property
    def sent(self) -> int:
        """How many were sent, or would be."""
        return sum(count for verdict, count in self.counts.items() if verdict in self._wanted)

    @property
    def _wanted(self) -> set[Verdict]:
        return {Verdict.MISSING, Verdict.CHANGED} if self.changed else {Verdict.MISSING}

    def sends(self, judged: Judged) -> bool:
        """Tell whether one is sent, not only listed."""
        return judged.verdict in self._wanted

    def send(self, judged: Judged) -> None:
        """Write one run to the outbox."""
        message = f"Backfill by {self.who}: {judged.verdict.value}."
        self.desk.outbox.park(replace(judged.pending, reason=REASON, message=message))


def moment(text: str, now: datetime, *, option: str) -> datetime:
    """Return a time: `2026-11-20`, `2026-11-20T06:00Z`, or how long ago: `7d`, `12h`, `30m`.

    Raises:
        DeskError: It is none of these.
    """
    ago = _AGO.fullmatch(text)
    if ago:
        unit = {"d": "days", "h": "hours", "m": "minutes"}[ago[2]]
        return now - timedelta(**{unit: int(ago[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"{option} must be a time such as 2026-11-20, 2026-11-20T06:00Z or 7d (ago), not {text!a}."
        raise DeskError(msg) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _counted(blobs: Iterable[Listed], step: Callable[[], None]) -> Iterator[Listed]:
    for each in blobs:
        step()
        yield each
