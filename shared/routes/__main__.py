"""Check and explain routes on the command line; sends nothing and needs no other app setting."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from shared.model.blob_event import BlobEvent, blob_url
from shared.model.errors import CopyPending, Misconfigured
from shared.routes.explanation import explanation
from shared.routes.load import load_routes
from shared.routes.route import Route
from shared.routes.table import RouteTable

OK, UNUSABLE, NO_RUN = 0, 1, 3
"""Exit codes; argparse uses 2 for a wrong command line."""

_ROOT = Path(__file__).parents[2]
_MADE_UP = "made-up"


def main(argv: Sequence[str], environ: Mapping[str, str], now: datetime) -> int:
    """Run one command; return the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        table = _load(arguments.file, environ)
    except Misconfigured as error:
        print(error, file=sys.stderr)  # noqa: T201
        return UNUSABLE
    lines, code = _check(table) if arguments.command == "check" else _explain(table, arguments, now)
    print("\n".join(lines))  # noqa: T201
    return code


def _load(file: str | None, environ: Mapping[str, str]) -> RouteTable:
    if file:
        return load_routes(root=Path.cwd(), file=file)
    return load_routes(
        root=_ROOT,
        inline=environ.get("AIRFLOW_ROUTES", "").strip(),
        file=environ.get("ROUTES_FILE", "").strip(),
        dag_id=environ.get("AIRFLOW_DAG_ID", "").strip(),
    )


def _check(table: RouteTable) -> tuple[list[str], int]:
    lines = [f"{route.name}: {route.match.text} -> {_dags(route)}" for route in table.routes]
    return [*lines, f"{len(lines)} route{'s' * (len(lines) != 1)}, no fault"], OK


def _dags(route: Route) -> str:
    if route.dag_id is None:
        return "nothing"
    return " or ".join(sorted(route.dag_ids)) or "".join(text for text, _ in route.dag_id.tokens)


def _explain(table: RouteTable, arguments: argparse.Namespace, now: datetime) -> tuple[list[str], int]:
    event = _event(arguments, now)
    lines = [f"{event.path if event.path.isprintable() else ascii(event.path)}, {event.size} bytes"]
    if _MADE_UP in (event.account, event.etag):
        lines.append("the run id is right only with --account and --etag of the blob")
    if table.needs_head(event, api=arguments.api):
        lines.append("in queue mode this takes one HEAD; facts that are not given refuse nothing here")
    try:
        verdicts = table.explain(event, api=arguments.api)
    except CopyPending as error:
        return [*lines, f"retried later: {error}"], NO_RUN
    lines += explanation(table, event, verdicts)
    return lines, OK if any(verdict.fires for verdict in verdicts) else NO_RUN


def _event(arguments: argparse.Namespace, now: datetime) -> BlobEvent:
    container, _, name = arguments.path.partition("/")
    metadata = dict(arguments.metadata)
    return BlobEvent(
        account=arguments.account,
        container=container,
        name=name,
        etag=arguments.etag.strip('"'),
        size=arguments.size,
        event_time=now,
        url=blob_url(f"https://{arguments.account}.blob.core.windows.net", container, name),
        content_type=arguments.content_type,
        blob_type=arguments.blob_type,
        copy_status=arguments.copy_status,
        metadata=metadata,
        # Only a HEAD provides these, and with it comes `last_modified`.
        last_modified=now if metadata or arguments.copy_status else None,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shared.routes", description=__doc__)
    parser.add_argument(
        "--file", help="routes file; without it the app settings AIRFLOW_ROUTES, ROUTES_FILE, …"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="name every fault; exit code 1 if there is one")
    explain = commands.add_parser("explain", help="say what a blob would start; exit code 3 if nothing")
    explain.add_argument("path", type=_path, help="container/blob")
    explain.add_argument("--size", type=int, default=1, help="bytes (default: %(default)s)")
    explain.add_argument("--etag", default=_MADE_UP)
    explain.add_argument("--account", default=_MADE_UP)
    explain.add_argument("--content-type")
    explain.add_argument("--metadata", type=_pair, action="append", default=[], metavar="KEY=VALUE")
    explain.add_argument("--blob-type", default="BlockBlob", choices=["BlockBlob", "PageBlob", "AppendBlob"])
    explain.add_argument("--copy-status", choices=["pending", "success", "aborted", "failed"])
    explain.add_argument("--api", help="the storage call, as Event Grid names it: PutBlob, CreateFile, …")
    return parser


def _path(text: str) -> str:
    container, _, name = text.partition("/")
    if not container or not name:
        msg = "expected container/blob"
        raise argparse.ArgumentTypeError(msg)
    return text


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        msg = "expected KEY=VALUE"
        raise argparse.ArgumentTypeError(msg)
    return key, value


if __name__ == "__main__":  # pragma: no cover  (a test runs it as a process)
    sys.exit(main(sys.argv[1:], os.environ, datetime.now(UTC)))
