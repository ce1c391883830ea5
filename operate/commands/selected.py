"""What all commands have in common that act on selected rows: plan, ask, act, and say what came of it."""

from collections.abc import Callable, Iterable, Iterator

from operate.errors import DeskError
from operate.output import Output
from operate.selection import Selection, nothing_selected
from operate.work import Act, Done, carry_out
from shared.storage.rows import Row
from shared.storage.tables import Table

LEFT = 1
"""Exit status where some rows are as they were."""

_HEADER = ("Done", "Blob", "What")


def act_on(
    output: Output,
    table: Table,
    selection: Selection,
    *,
    verb: str,
    act: Act,
    plan: Act,
    run: Callable[[Iterable[Row]], Iterator[Done]] | None = None,
    is_all: bool,
    dry_run: bool,
    yes: bool,
) -> int:
    """Act on the selected rows of a table, after the operator has said so; return the exit status.

    The rows are read anew for it: while the operator thinks, others go on.

    Args:
        output: Shows it.
        table: Has the rows.
        selection: Which.
        verb: What is done, for the question.
        act: Acts on one row.
        plan: Says what would be done with one row.
        run: Acts on all rows, where more belongs to it than `act`.
        is_all: Whether all rows are meant, where nothing is selected.
        dry_run: Whether only to plan.
        yes: Whether not to ask.

    Raises:
        DeskError: Nothing was selected on purpose, or the operator says no.
    """
    if str(selection) and is_all:
        msg = f"--all and {selection} contradict each other."
        raise DeskError(msg)
    if not str(selection) and not is_all:
        msg = "Select rows with --route, --reason or --prefix, or say --all."
        raise DeskError(msg)
    count = selection.count(table)
    if not count:
        output.note(nothing_selected(selection, table))
        return 0
    if dry_run:
        planned = _Tally()
        output.rows(planned.of(plan(row) for row in selection.rows(table)), _HEADER, _cells)
        output.note(f"Would {verb} {planned.done} of {planned.count}. Nothing was changed.")
        return LEFT if planned.done < planned.count else 0
    output.confirm(f"{verb.capitalize()} {count} row{'s' * (count != 1)}?", yes=yes)
    tally = _Tally()
    # Those that were under way when it stopped are ended, and not counted.
    with (
        output.telling(lambda: f"{verb}: stopped after at least {tally.done} of {count}."),
        output.progress(verb, count) as advance,
    ):
        results = tally.of((run or (lambda rows: carry_out(rows, act)))(selection.rows(table)), advance)
        shown = results if output.is_json else (done for done in results if not done.is_done)
        output.rows(shown, _HEADER, _cells)
    output.note(
        f"{verb}: {tally.done} of {tally.count}." + (" The others are as they were." if tally.left else "")
    )
    return LEFT if tally.left else 0


class _Tally:
    def __init__(self) -> None:
        self.count = self.done = 0

    @property
    def left(self) -> int:
        return self.count - self.done

    def of(self, results: Iterable[Done], advance: Callable[[], None] = lambda: None) -> Iterator[Done]:
        for done in results:
            self.count += 1
            self.done += done.is_done
            advance()
            yield done


def _cells(done: Done) -> tuple[str, ...]:
    return "yes" if done.is_done else "no", done.path, done.note
