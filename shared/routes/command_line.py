"""`parse`: the command line of `python -m shared.routes`."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime

from shared.model.errors import BadEvent
from shared.routes.blobs import MADE_UP, Blobs


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read a command line; exit with 2 where it is wrong."""
    every = _parser()
    arguments = every.parse_args(argv)
    if arguments.command == "explain" and bool(arguments.blob) == arguments.stdin:
        every.error("name one blob, or use --stdin and give the names on the standard input")
    return arguments


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    _common(common, default=argparse.SUPPRESS)
    every = argparse.ArgumentParser(
        prog="python -m shared.routes",
        description="Check and explain routes; sends nothing and needs no other app setting.",
    )
    _common(every, default=None)
    commands = every.add_subparsers(dest="command", required=True)
    check = commands.add_parser(
        "check", parents=[common], help="name every fault, and what is odd; exit code 1 if there is a fault"
    )
    check.add_argument("--strict", action="store_true", help="what is odd is a fault, too")
    explain = commands.add_parser(
        "explain", parents=[common], help="say what a blob would start; exit code 3 if nothing"
    )
    explain.add_argument("blob", nargs="?", type=_blob, help="container/name, or the address of a blob")
    explain.add_argument(
        "--stdin", action="store_true", help="read blobs, one a line; a tab and the size may follow"
    )
    explain.add_argument("--summary", action="store_true", help="with --stdin: count what they start")
    explain.add_argument("--container", default="", help="with --stdin: the lines are names in it")
    explain.add_argument("--size", type=_size, default=1, help="bytes (default: %(default)s)")
    explain.add_argument("--etag", default=MADE_UP)
    explain.add_argument("--account", default=None, help="of the address, if one is given")
    explain.add_argument("--content-type")
    explain.add_argument("--metadata", type=_pair, action="append", default=[], metavar="KEY=VALUE")
    explain.add_argument("--blob-type", default="BlockBlob", choices=["BlockBlob", "PageBlob", "AppendBlob"])
    explain.add_argument("--copy-status", choices=["pending", "success", "aborted", "failed"])
    explain.add_argument("--api", help="the storage call, as Event Grid names it: PutBlob, CreateFile, …")
    return every


def _common(each: argparse.ArgumentParser, *, default: object) -> None:
    """Add the options that may stand before the command or behind it."""
    each.add_argument(
        "--file",
        default=default,
        help="routes file; without it the app settings AIRFLOW_ROUTES, ROUTES_FILE, …",
    )
    each.add_argument(
        "--landing",
        default=default,
        metavar="CONTAINER[,CONTAINER]",
        help="the containers that are watched; without it [landing] watch of the file, or LANDING_PATH",
    )


def _blob(text: str) -> str:
    try:
        Blobs(now=datetime.now(UTC)).event(text)
    except BadEvent as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _size(text: str) -> int:
    if not text.isdecimal():
        msg = f"expected a number of bytes, from 0 on, not {text!a}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        msg = "expected KEY=VALUE"
        raise argparse.ArgumentTypeError(msg)
    return key, value
