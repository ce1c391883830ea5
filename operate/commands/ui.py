"""`blob-to-dag ui`."""

from typing import Annotated

import typer

from operate.command import desk_command
from operate.commands.options import Who, who_or_me
from operate.desk import Desk
from operate.errors import DeskError
from operate.output import Output
from operate.page.server import PageServer
from operate.page.site import site_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    desk_command(app, "ui")(ui)


def ui(
    desk: Desk,
    output: Output,
    *,
    port: Annotated[int, typer.Option("--port", help="Port on this machine; any free one if not given.")] = 0,
    who: Who = "",
) -> int:
    """Show it all in the browser, on this machine alone, until Ctrl-C."""
    try:
        server = PageServer(site_of(desk, who=who_or_me(who)), port=port)
    except OSError as error:
        msg = f"Port {port} cannot be used ({error.strerror}): give another one, or none for any."
        raise DeskError(msg) from error
    with server:
        output.show({"address": server.gate.address}, lambda value: value["address"])
        output.note(
            f"The page of {desk.origin.title}. Whoever has its address can do what you can; Ctrl-C ends it."
        )
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            output.note("closed")
    return 0
