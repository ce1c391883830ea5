"""Options that several commands have."""

import getpass
from typing import Annotated

import typer

_WHICH = "Which rows"

Route = Annotated[
    str, typer.Option("--route", help="Only those of this route (its id).", rich_help_panel=_WHICH)
]
Reason = Annotated[
    str,
    typer.Option("--reason", help="Only those with this reason.", rich_help_panel=_WHICH),
]
Prefix = Annotated[
    str,
    typer.Option("--prefix", help="Only blobs whose container/name begins so.", rich_help_panel=_WHICH),
]
Everything = Annotated[
    bool, typer.Option("--all", help="All rows, without a selection.", rich_help_panel=_WHICH)
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Who = Annotated[str, typer.Option("--who", help="Who does this; your login name if not given.")]


def who_or_me(who: str) -> str:
    """Return who was named, or the login name."""
    return who or getpass.getuser()
