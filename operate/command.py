"""`desk_command`: what all commands have in common: which app, `--json`, and errors as sentences."""

import inspect
from collections.abc import Callable
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any

import typer

from operate.advice import CHANGE_TABLES, EXPECTED, READ_TABLES, explained
from operate.desk import Desk
from operate.origin import find_origin
from operate.output import Output

type Command = Callable[..., int]

FAILED = 1
ATTENTION = 3
"""Exit status where something is dead, on hold, missing or broken: it waits for a person, or for a repair."""

UNKNOWN = 4
"""Exit status where a part could not be asked, or is unusable."""

INTERRUPTED = 130
_WHICH = "Which app"


def _options(
    *,
    local: Annotated[
        bool, typer.Option("--local", help="The local stack of `make run`.", rich_help_panel=_WHICH)
    ] = False,
    env: Annotated[
        str, typer.Option("--env", metavar="NAME", help="An azd environment.", rich_help_panel=_WHICH)
    ] = "",
    app: Annotated[
        str, typer.Option("--app", metavar="NAME", help="A deployed function app.", rich_help_panel=_WHICH)
    ] = "",
    routes: Annotated[
        Path | None,
        typer.Option(
            "--routes",
            metavar="FILE",
            help="Routes to use instead of the app's settings and this checkout's file.",
            rich_help_panel=_WHICH,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, a line for each value.")] = False,
) -> tuple[Desk, Output]:
    origin = find_origin(local=local, env=env, app=app)
    return Desk(origin=origin, routes_file=routes), Output(is_json=as_json)


_COMMON = inspect.signature(_options).parameters


def desk_command(app: typer.Typer, name: str, *, changes: bool = False) -> Callable[[Command], Command]:
    """Register a command: a function of a desk, an output and its own options that returns the exit status.

    Args:
        app: Where it belongs.
        name: What it is called.
        changes: Whether it writes to the tables, for the advice on a missing role.
    """

    def register(command: Command) -> Command:
        def run(**arguments: Any) -> None:
            raise typer.Exit(_carried_out(command, arguments, changes=changes))

        app.command(name)(_with_options(run, command))
        return command

    return register


def desk_list(group: typer.Typer) -> Callable[[Command], Command]:
    """Register what a group of commands does without one of them: it shows its list."""

    def register(command: Command) -> Command:
        def run(context: typer.Context, **arguments: Any) -> None:
            if context.invoked_subcommand is None:
                raise typer.Exit(_carried_out(command, arguments, changes=False))

        context = Parameter("context", Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
        group.callback(invoke_without_command=True)(_with_options(run, command, context))
        return command

    return register


def _carried_out(command: Command, arguments: dict[str, Any], *, changes: bool) -> int:
    common = {name: arguments.pop(name) for name in _COMMON}
    desk = None
    try:
        desk, output = _options(**common)
        return command(desk, output, **arguments)
    except EXPECTED as error:
        role = CHANGE_TABLES if changes else READ_TABLES
        Output().note(f"error: {explained(error, desk, role=role)}")
        return FAILED
    except KeyboardInterrupt:
        Output().note("Interrupted. Nothing is half done; the same command goes on.")
        return INTERRUPTED


def _with_options(run: Callable[..., None], command: Command, *more: Parameter) -> Callable[..., None]:
    """Give a function the parameters of a command, and those of all, as Typer reads them."""
    own = list(inspect.signature(command).parameters.values())[2:]
    parameters = [
        *more,
        *(parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in (*own, *_COMMON.values())),
    ]
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__doc__ = command.__doc__
    return run
