"""One file sent by hand: `blob-to-dag send`, as a dry run first."""

from collections.abc import Iterator

from operate.desk import Desk
from operate.files import look_at, no_such_file, requests_of, verdicts_on
from operate.page.confirm import confirmation
from operate.page.frame import badge, hint, link, table
from operate.page.html import Html, name_of_blob, tag
from operate.page.request import Answer, PageError, Request
from operate.send import Sent, send, send_again


def send_file(desk: Desk, request: Request) -> Answer:
    """Say what would be sent, or send it if the operator has confirmed that."""
    is_dry = not request.text("confirmed")
    done = _sent(desk, request, is_dry=is_dry)
    verb = "Send again" if request.text("again") else "Send"
    title = f"{verb}: dry run" if is_dry else verb
    return Answer(
        title=title, body=_shown(desk, request, done, verb), path=request.exact("path"), place="file"
    )


def _sent(desk: Desk, request: Request, *, is_dry: bool) -> list[Sent]:
    path = request.exact("path")
    event = look_at(desk, path)
    if event is None:
        raise PageError(no_such_file(desk, path))
    runs = requests_of(event, verdicts_on(desk, event))
    if not runs:
        msg = "No route wants it. The page of the file has what each route says."
        raise PageError(msg)
    if request.text("again"):
        return [send_again(desk, event, run, dry_run=is_dry) for run in runs]
    return [send(desk, event, run, who=request.who, dry_run=is_dry) for run in runs]


def _shown(desk: Desk, request: Request, done: list[Sent], verb: str) -> Iterator[Html]:
    is_dry = not request.text("confirmed")
    path = request.exact("path")
    if is_dry:
        yield tag("p", badge("dry run"), " Nothing was changed.")
    yield tag("p", name_of_blob(path), class_="path")
    yield from table("Runs", ("", "Route and DAG", "Run id", "What"), map(_row, done))
    yield hint(f"Routes from {desk.routes_from}.")
    if is_dry and any(each.is_sent for each in done):
        yield confirmation(request, action="send", button=verb)
    yield tag("p", link("file", "Back to the file", path=path))


def _row(sent: Sent) -> Html:
    mark = badge("yes", "good") if sent.is_sent else badge("no", "held")
    return tag(
        "tr", [tag("td", cell) for cell in (mark, tag("bdi", sent.lane), tag("code", sent.run_id), sent.note)]
    )
