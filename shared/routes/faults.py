"""`Faults`: everything that is wrong with a file of routes, each with its line and route."""

from collections.abc import Callable

from shared.routes.lines import Path, line_numbers, line_of

_MOST_SHOWN = 100


class Faults:
    """Collects faults, so that one message names them all."""

    def __init__(self, toml: str) -> None:
        self._lines = line_numbers(toml)
        self._found: list[tuple[int, str, str]] = []
        self.route = ""
        """The route that is being read, as messages name it."""

    def __len__(self) -> int:
        return len(self._found)

    def __str__(self) -> str:
        lines = [f"\n  line {line}{route}: {msg}" for line, route, msg in sorted(self._found)]
        more = len(lines) - _MOST_SHOWN
        # One message is one line of a log.
        return "".join(lines[:_MOST_SHOWN]) + (f"\n  and {more} more" if more > 0 else "")

    def add(self, place: Path, msg: str) -> None:
        """Add a fault at a place in the file."""
        self._found.append((self.line(place), self.route, msg))

    def line(self, place: Path) -> int:
        """Return the line of a place."""
        return line_of(self._lines, place)

    def attempt[T](self, place: Path, what: str, parse: Callable[[], T]) -> T | None:
        """Call `parse`; add its ValueError as a fault of `what` and return None."""
        try:
            return parse()
        except ValueError as error:
            self.add(place, f"{what} {error}")
            return None
