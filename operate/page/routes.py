"""Routes tried against a name: what a file would start, and why; sends nothing."""

from collections.abc import Iterator
from textwrap import dedent

from operate.desk import Desk
from operate.output import printable
from operate.page.frame import badge, hint
from operate.page.html import Html, name_of_blob, tag
from operate.page.request import Answer, PageError, Request
from shared.model.blob_event import BlobEvent, blob_url
from shared.model.errors import BadEvent, CopyPending
from shared.routes.explanation import explanation

_MADE_UP = "made-up"
_MOST_DIGITS = 15


def routes(desk: Desk, request: Request) -> Answer:
    """Show the routes, and what they say about a name."""
    return Answer(title="Routes", body=_routes(desk, request), place="routes")


def _routes(desk: Desk, request: Request) -> Iterator[Html]:
    path, size = request.exact("tried"), request.text("size") or "1"
    yield tag(
        "form",
        tag(
            "p",
            tag("label", "Container and name", for_="tried"),
            tag("input", id="tried", name="tried", value=path, required=True, spellcheck="false"),
            class_="wide",
        ),
        tag(
            "p",
            tag("label", "Bytes", for_="size"),
            tag("input", id="size", name="size", value=size, inputmode="numeric", pattern="[0-9]{1,15}"),
        ),
        tag("button", "Try"),
        class_="filter",
        action="routes",
    )
    yield hint(f"Routes from {desk.routes_from}. Trying sends nothing.")
    if path:
        yield tag("h2", "What they say about ", name_of_blob(path))
        yield from _verdicts(desk, _event(desk, path, size))
    yield tag("h2", "All routes")
    yield tag(
        "ol",
        [
            tag("li", tag("bdi", route.name), ": ", tag("code", route.match.text), class_="route")
            for route in desk.routes.routes
        ],
    )


def _verdicts(desk: Desk, event: BlobEvent) -> Iterator[Html]:
    try:
        verdicts = desk.routes.explain(event)
    except CopyPending as error:
        yield tag("p", str(error))
        return
    details: list[str] = []
    for line in explanation(desk.routes, event, verdicts):
        if line.startswith(" "):
            details.append(line)
            continue
        yield from _details(details)
        details = []
        yield tag("p", badge("fires", "good") if line.endswith(": fires") else None, " ", line)
    yield from _details(details)


def _details(lines: list[str]) -> Iterator[Html]:
    if lines:
        yield tag("pre", dedent("\n".join(map(printable, lines))), tabindex=0)


def _event(desk: Desk, path: str, size: str) -> BlobEvent:
    """Return a version that nobody has seen: its run id is as made up as its ETag."""
    container, _, name = path.partition("/")
    if not size.isascii() or not size.isdigit() or len(size) > _MOST_DIGITS:
        msg = f"{size!a} is no number of bytes."
        raise PageError(msg)
    now = desk.timing.now()
    try:
        return BlobEvent(
            account=_MADE_UP,
            container=container,
            name=name,
            etag=_MADE_UP,
            size=int(size),
            event_time=now,
            url=blob_url(f"https://{_MADE_UP}.blob.core.windows.net", container, name),
            blob_type="BlockBlob",
        )
    except BadEvent as error:
        msg = f"{error} Write container/name."
        raise PageError(msg) from error
