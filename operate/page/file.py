"""The story of one file as a time line: `blob-to-dag trace`, with what can be done about it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from operate.desk import Desk
from operate.items import Detail
from operate.output import printable
from operate.page.detail import described, failures_of
from operate.page.frame import alert, badge, hint, lane, moment
from operate.page.html import Content, Html, name_of_blob, tag
from operate.page.lists import TICKED
from operate.page.request import Answer, PageError, Request
from operate.paging import row_id
from operate.trace import Run, Trace, Version, trace

_KINDS = {"success": "good", "failed": "bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that happened to the file.

    Attributes:
        time: When; None where nobody tells.
        what: In words.
        kind: `good`, `held` or `bad`; empty for what is neither.
    """

    time: datetime | None
    what: Content
    kind: str = ""


def file(desk: Desk, request: Request) -> Answer:
    """Show the story of a file; the head of the page is there while Airflow is still being asked."""
    path = request.exact("path")
    if not path:
        msg = "Which file? Write container/name into the field above."
        raise PageError(msg)
    return Answer(title="File", body=_story(desk, path), place="file", path=path)


def _story(desk: Desk, path: str) -> Iterator[Html]:
    yield tag("p", name_of_blob(path), class_="path")
    found = trace(desk, path)
    now = desk.timing.now()
    for part, why in found.faults.items():
        yield alert(f"{part}: {why}")
    yield _next(found)
    yield tag("h2", "What happened")
    yield tag("ol", [_line(each, now) for each in moments(found)], class_="line")
    for title, rows in (("Waiting", found.waiting), ("Dead letter", found.dead)):
        for row in rows:
            yield tag("details", tag("summary", title, ": ", badge(row.item.reason)), described(row, now))
    if found.routes:
        lines = "\n".join(map(printable, found.routes))
        yield tag("details", tag("summary", "What the routes say"), tag("pre", lines, tabindex=0))
    if found.versions:
        yield tag(
            "details", tag("summary", "Versions that storage keeps"), tag("ul", map(_version, found.versions))
        )


def moments(found: Trace) -> list[Moment]:
    """Return the story in the order of time; what has no time comes last."""
    return sorted(
        _moments(found), key=lambda each: (each.time is None, each.time.timestamp() if each.time else 0)
    )


def _moments(found: Trace) -> Iterator[Moment]:
    if blob := found.blob:
        what = ("Written: ", f"{blob.size:,} bytes, ETag ", tag("code", blob.etag))
        yield Moment(time=blob.event_time, what=what)
    for row in found.waiting:
        yield from _of_row(row, "Waits", "held")
    for row in found.dead:
        yield from _of_row(row, "Died", "bad")
    for route, claim in found.settled.items():
        yield _settled(route, claim)
    for run in found.runs:
        yield _run(run)


def _of_row(row: Detail, verb: str, kind: str) -> Iterator[Moment]:
    item = row.item
    for failures in failures_of(row.history):
        if failures.reason == item.reason and not failures.is_again:
            continue  # the row itself says it
        times = f", {failures.count} times, last at {failures.last:%Y-%m-%d %H:%M:%S} UTC"
        said = ("Not delivered: ", badge(failures.reason, kind), times if failures.is_again else "")
        yield Moment(time=failures.first, what=said, kind=kind)
    message = tag("span", item.message, class_="message")
    what = (f"{verb}: ", badge(item.reason, kind), " ", lane(item.route, item.dag_id), message)
    yield Moment(time=item.since, what=what, kind=kind)


def _settled(route: str, claim: Mapping[str, object]) -> Moment:
    settled = claim.get("settled_at")
    why = " ".join(str(claim.get(name) or "") for name in ("who", "run_id", "why"))
    time = settled if isinstance(settled, datetime) else None
    return Moment(
        time=time, what=("Settled: ", tag("bdi", route), " ", badge(str(claim.get("reason"))), f" {why}")
    )


def _run(run: Run) -> Moment:
    kind = _KINDS.get(run.state, "")
    if not run.state:
        what: Sequence[Content] = ("No run yet of ", name_of_blob(run.dag_id), ": ", tag("code", run.run_id))
        return Moment(time=None, what=what, kind="held")
    other = "" if run.is_wanted else "of another version, or started by hand: "
    where = tag("a", run.run_id, href=run.link, rel="noreferrer")
    what = ("Run ", badge(run.state, kind), " of ", name_of_blob(run.dag_id), ": ", other, tag("code", where))
    return Moment(time=run.started, what=what, kind=kind)


def _line(each: Moment, now: datetime) -> Html:
    when = moment(each.time, now)
    ago = (when, " ago") if when else "now"
    return tag("li", tag("span", ago, class_="when"), " ", tag("span", each.what), class_=f"is-{each.kind}")


def _version(version: Version) -> Html:
    current = badge("current") if version.is_current else None
    return tag("li", tag("code", version.version_id), " ETag ", tag("code", version.etag), " ", current)


def _next(found: Trace) -> Html:
    """Return what to do, and the buttons that do it."""
    wanted = [run for run in found.runs if run.is_wanted]
    is_there = bool(wanted) and all(run.state for run in wanted)
    steps = [tag("p", step) for step in found.next_steps]
    if not steps and not found.faults:
        steps = [tag("p", badge("delivered", "good"), " All its runs are there.")]
    buttons = [
        *_rows("dead-replay", "Replay…", found.dead),
        *_rows("waiting-retry", "Try now…", found.waiting),
    ]
    if found.blob and not is_there:
        buttons.append(_send(found.path, "Send…"))
    if found.blob and found.runs:
        buttons.append(_send(found.path, "Send again…", again="yes"))
    after = hint("Each shows first what it would do.") if buttons else None
    kind = "notice" if found.needs_attention else None
    return tag("section", steps, tag("div", buttons, class_="buttons"), after, class_=kind)


def _rows(action: str, title: str, rows: Sequence[Detail]) -> Iterator[Html]:
    if rows:
        fields = [("scope", TICKED), *(("row", row_id(row.item)) for row in rows)]
        yield _form(action, title, fields)


def _send(path: str, title: str, *, again: str = "") -> Html:
    return _form("send", title, [("path", path), ("again", again)])


def _form(action: str, title: str, fields: Sequence[tuple[str, str]]) -> Html:
    hidden = [tag("input", type="hidden", name=name, value=value) for name, value in fields if value]
    return tag("form", hidden, tag("button", title), method="post", action=action)
