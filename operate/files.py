"""One file by its name: the blob as it is now, and the runs that the routes want for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from itertools import islice

from operate.advice import READ_BLOBS, explained
from operate.desk import Desk
from operate.errors import DeskError
from shared.model.blob_event import BlobEvent
from shared.model.errors import BlobToDagError, CopyPending, StorageUnavailable
from shared.model.pending import Pending
from shared.model.run_request import RunRequest
from shared.routes.table import Verdict
from shared.storage.blob_reader import PAGE, Listed

_PATTERN = set("*?{}")


def split(desk: Desk, path: str) -> tuple[str, str]:
    """Return container and name of a path.

    Raises:
        DeskError: It is not of a container that the app watches.
    """
    container, _, name = path.partition("/")
    if container not in desk.watched:
        watched = ", ".join(map(ascii, desk.watched))
        msg = f"The app watches the container {watched}: write the name as {desk.watched[0]}/…, not {path!a}."
        raise DeskError(msg)
    return container, name


def look_at(desk: Desk, path: str) -> BlobEvent | None:
    """Return the blob as it is now; None if there is none. Raises DeskError and BadEvent."""
    container, name = split(desk, path)
    if not name:
        msg = f"{path!a} names no file: write container/name. `backfill` takes folders."
        raise DeskError(msg)
    with _blob_role(desk):
        return desk.reader.read(container, name)


def listed(desk: Desk, path: str) -> Iterator[Listed]:
    """List the blobs whose names begin so. Raises DeskError."""
    container, prefix = split(desk, path)
    with _blob_role(desk):
        yield from desk.reader.blobs(container, prefix)


@contextmanager
def _blob_role(desk: Desk) -> Iterator[None]:
    """Say of a look at blobs that is refused which role it takes: another one than the tables."""
    try:
        yield
    except StorageUnavailable as error:
        raise DeskError(explained(error, desk, role=READ_BLOBS)) from None


def no_such_file(desk: Desk, path: str) -> str:
    """Return the sentence about a name that no blob has, with those of its folder that are like it."""
    if _PATTERN & set(path):
        return f"There is no blob {path!a}. A pattern is no name; `backfill` takes the beginning of names."
    said = f"There is no blob {path!a}: deleted, or never there. Names are exact, also in their letter case."
    near = _near(desk, path)
    return f"{said} There is: {', '.join(map(repr, near))}." if near else said


def _near(desk: Desk, path: str) -> list[str]:
    """Return names that are like one, from one page of the listing of its folder."""
    folder = path[: path.rfind("/") + 1]
    try:
        there = {item.event.path.lower(): item.event.path for item in islice(listed(desk, folder), PAGE)}
    except (DeskError, BlobToDagError):
        return []
    return [there[each] for each in get_close_matches(path.lower(), there, n=3, cutoff=0.9)]


def verdicts_on(desk: Desk, event: BlobEvent) -> list[Verdict]:
    """Return what each route says.

    Raises:
        DeskError: The blob is still being copied.
    """
    try:
        return desk.routes.explain(event)
    except CopyPending as error:
        msg = f"{error} The app looks at it again every half minute."
        raise DeskError(msg) from error


def requests_of(event: BlobEvent, verdicts: list[Verdict]) -> list[RunRequest]:
    """Return the runs that the routes want."""
    return [verdict.route.request(event, verdict.captures or {}) for verdict in verdicts if verdict.fires]


def pending_of(event: BlobEvent, run: RunRequest) -> Pending:
    """Return an event as it waits for a run."""
    return Pending(
        container=event.container,
        name=event.name,
        event=event,
        lane=run.lane,
        run_id=run.run_id,
    )
