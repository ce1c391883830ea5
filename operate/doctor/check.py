"""`Check`: one precondition; `examine`: ask for them in order."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from operate.advice import EXPECTED, READ_TABLES, explained
from operate.desk import Desk


class State(StrEnum):
    """What came of a check."""

    WELL = "ok"
    NOTE = "note"
    """Nothing is wrong with the app; the operator may do less than all, or there is nothing to check here."""
    FAULT = "fault"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """The answer of a check that found no fault, and not all well."""

    text: str


type Ask = Callable[[Desk], str | Note]
"""Returns what is well in a few words; raises DeskError, or what `advice` explains, where it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One precondition.

    Attributes:
        name: What is checked.
        ask: Asks for it.
        needs: Names of the checks that come before and must not have failed.
        role: That the operator needs for it.
    """

    name: str
    ask: Ask
    needs: tuple[str, ...] = ()
    role: str = READ_TABLES


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of one check.

    Attributes:
        check: Its name.
        state: What came of it.
        text: What was found, what repairs it, or which other check has to be well first.
    """

    check: str
    state: State
    text: str


def examine(desk: Desk, checks: Iterable[Check]) -> Iterator[Finding]:
    """Ask one after the other; what needs a check that failed is not tried."""
    failed: set[str] = set()
    for check in checks:
        finding = _finding(desk, check, [name for name in check.needs if name in failed])
        if finding.state in {State.FAULT, State.NOT_TRIED}:
            failed.add(check.name)
        yield finding


def _finding(desk: Desk, check: Check, missing: list[str]) -> Finding:
    if missing:
        return Finding(check=check.name, state=State.NOT_TRIED, text=f"needs: {', '.join(missing)}")
    try:
        answer = check.ask(desk)
    except EXPECTED as error:
        text = explained(error, desk, role=check.role)
        return Finding(check=check.name, state=State.FAULT, text=text)
    if isinstance(answer, Note):
        return Finding(check=check.name, state=State.NOTE, text=answer.text)
    return Finding(check=check.name, state=State.WELL, text=answer)
