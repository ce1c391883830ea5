"""Check and explain routes on the command line; sends nothing and needs no other app setting."""

import argparse
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from shared.model.errors import BadEvent, Misconfigured
from shared.routes.blobs import Blobs
from shared.routes.command_line import parse
from shared.routes.load import load_routes
from shared.routes.report import check_report, explain_report, lines_of
from shared.routes.summary import is_run, summary, what_starts
from shared.routes.table import RouteTable

OK, UNUSABLE, WRONG_USE, NO_RUN = 0, 1, 2, 3
"""Exit codes; 2 is also argparse's, for a wrong command line."""

_ROOT = Path(__file__).parents[2]


def main(argv: Sequence[str], environ: Mapping[str, str], now: datetime, lines: Iterable[str] = ()) -> int:
    """Run one command; return the exit code. `lines` are those of `explain --stdin`."""
    arguments = parse(argv)
    try:
        table = _load(arguments.file, environ)
    except Misconfigured as error:
        print(error, file=sys.stderr)  # noqa: T201
        return UNUSABLE
    watched = _watched(arguments.landing, table, environ)
    if arguments.command == "check":
        printed, is_good = check_report(table, watched, strict=arguments.strict)
        code = OK if is_good else UNUSABLE
    else:
        try:
            printed, code = _explain(table, arguments, watched, now, lines)
        except BadEvent as error:
            print(error, file=sys.stderr)  # noqa: T201
            return WRONG_USE
    print("\n".join(printed), flush=True)  # noqa: T201
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


def _watched(landing: str | None, table: RouteTable, environ: Mapping[str, str]) -> tuple[str, ...]:
    if landing:
        return tuple(name.strip() for name in landing.split(","))
    return table.watch or (environ.get("LANDING_PATH", "landing/{name}").strip().partition("/")[0],)


def _explain(
    table: RouteTable,
    arguments: argparse.Namespace,
    watched: Sequence[str],
    now: datetime,
    lines: Iterable[str],
) -> tuple[list[str], int]:
    blobs = Blobs(
        now=now,
        account=arguments.account,
        etag=arguments.etag,
        content_type=arguments.content_type,
        blob_type=arguments.blob_type,
        copy_status=arguments.copy_status,
        metadata=dict(arguments.metadata),
    )
    if not arguments.stdin:
        event = blobs.event(arguments.blob, size=arguments.size)
        printed, fires = explain_report(table, event, watched, arguments.api)
        return printed, OK if fires else NO_RUN
    results = [
        (event, what_starts(table, event, watched=watched, api=arguments.api))
        for event in blobs.read(lines, container=arguments.container, size=arguments.size)
    ]
    lines_out = summary(results) if arguments.summary else lines_of(results)
    return list(lines_out), OK if any(is_run(result) for _, result in results) else NO_RUN


def run() -> int:
    """Run the command of this process; a reader that has seen enough (`| head`) is no error."""
    try:
        return main(sys.argv[1:], os.environ, datetime.now(UTC), sys.stdin)
    except BrokenPipeError:
        # Nothing more is flushed at exit, which would fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


if __name__ == "__main__":  # pragma: no cover  (a test runs it as a process)
    sys.exit(run())
