"""`compared`: this machine's clock against the `Date` header of a server."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from operate.doctor.check import Note
from operate.errors import DeskError
from operate.output import span

_MOST = timedelta(minutes=1)


def compared(date: str, now: datetime, *, whose: str) -> str | Note:
    """Return how far the clocks are apart.

    Args:
        date: The header.
        now: The time of this machine when it came.
        whose: The server, for people.

    Raises:
        DeskError: More than a minute.
    """
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return Note(text=f"{whose} does not tell the time")
    ahead = now - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))
    if abs(ahead) > _MOST:
        msg = (
            f"The clock of this machine is {span(abs(ahead))} {'ahead of' if ahead > _MOST else 'behind'} "
            f"that of {whose}: set whichever is wrong by NTP. Meanwhile tokens may be refused, and ages and "
            "--since are off by as much."
        )
        raise DeskError(msg)
    return "less than a minute apart"
