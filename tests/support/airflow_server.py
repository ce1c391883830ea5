"""A stand-in for Airflow 3 that counts, and fails on demand. Only for counting and for faults."""

import json
import sqlite3
import ssl
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

type Fault = Callable[["Exchange"], bool]
"""Sees an exchange before it is carried out; returns True where it has answered itself."""


@dataclass
class Exchange:
    """One request, and the handler to answer it with."""

    method: str
    path: str
    body: dict[str, Any]
    handler: "_Handler"
    commit: Callable[[], None]

    def answer(self, status: int, body: object, **headers: str) -> None:
        """Send an answer; a body that is text is sent as HTML, anything else as JSON."""
        is_page = isinstance(body, str)
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.handler.send_response(status)
        self.handler.send_header("Content-Type", "text/html" if is_page else "application/json")
        self.handler.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()
        self.handler.wfile.write(data)

    def hang_up(self) -> None:
        """Close the connection without an answer."""
        self.handler.close_connection = True
        self.handler.connection.shutdown(2)


def _new_database() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:", check_same_thread=False)
    database.execute("CREATE TABLE dag_run (dag_id TEXT, run_id TEXT, UNIQUE (dag_id, run_id))")
    return database


@dataclass
class AirflowServer:
    """What the stand-in saw and holds.

    Attributes:
        dags: Ids of the DAGs that exist.
        password: The one that is accepted; any where it is empty.
        runs: By DAG id and run id: the body that created the run.
        created_at: When each run was created, in monotonic seconds.
        requests: How often each `METHOD /first/segments` came.
        connections: How many were opened.
        most_in_flight: The most trigger calls that were in work at once.
        faults: Asked in turn before each request is carried out.
    """

    dags: set[str] = field(default_factory=lambda: {"copy_file"})
    password: str = ""
    runs: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    created_at: list[float] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    faults: list[Fault] = field(default_factory=list)
    base_url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    database: sqlite3.Connection = field(default_factory=_new_database)

    def keep(self, dag_id: str, run_id: str, body: dict[str, Any]) -> bool:
        """Create the run as a database does; tell whether there was none of this key."""
        with self.lock:
            try:
                with self.database:
                    self.database.execute("INSERT INTO dag_run VALUES (?, ?)", (dag_id, run_id))
            except sqlite3.IntegrityError:
                return False
            self.runs[dag_id, run_id] = body
            self.created_at.append(time.monotonic())
            return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    airflow: AirflowServer

    def setup(self) -> None:
        super().setup()
        with self.airflow.lock:
            self.airflow.connections += 1

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay quiet."""

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        is_json = "json" in self.headers.get("Content-Type", "")
        body = json.loads(text) if is_json else {"form": text}
        path = urlsplit(self.path).path
        segments = [unquote(segment) for segment in path.strip("/").split("/")]
        airflow = self.airflow
        is_trigger = method == "POST" and segments[-1] == "dagRuns"
        with airflow.lock:
            airflow.requests[f"{method} {segments[-1] if is_trigger else '/'.join(segments[:3])}"] += 1
            airflow.in_flight += is_trigger
            airflow.most_in_flight = max(airflow.most_in_flight, airflow.in_flight)

        def commit() -> None:
            if is_trigger:
                airflow.keep(segments[3], body["dag_run_id"], body)

        exchange = Exchange(method=method, path=path, body=body, handler=self, commit=commit)
        try:
            if not any(fault(exchange) for fault in list(airflow.faults)):
                self._carry_out(exchange, segments)
        finally:
            with airflow.lock:
                airflow.in_flight -= is_trigger

    def _carry_out(self, exchange: Exchange, segments: list[str]) -> None:
        airflow = self.airflow
        match exchange.method, segments:
            case "POST", ["auth", "token"]:
                if airflow.password in {"", exchange.body.get("password")}:
                    exchange.answer(201, {"access_token": f"opaque-{uuid.uuid4().hex}"})
                else:
                    exchange.answer(401, {"detail": "Invalid credentials"})
            case "POST", ["api", "v2", "dags", dag_id, "dagRuns"]:
                run_id = exchange.body["dag_run_id"]
                if dag_id not in airflow.dags:
                    exchange.answer(404, {"detail": f"Dag with dag_id: '{dag_id}' not found"})
                elif not airflow.keep(dag_id, run_id, exchange.body):
                    exchange.answer(409, {"detail": {"reason": "Unique constraint violation"}})
                else:
                    exchange.answer(200, {"dag_id": dag_id, "dag_run_id": run_id, "state": "queued"})
            case "GET", ["api", "v2", *path]:
                self._tell(exchange, path)
            case _:
                exchange.answer(404, {"detail": "Not Found"})

    def _tell(self, exchange: Exchange, path: list[str]) -> None:
        airflow = self.airflow
        match path:
            case ["version"]:
                exchange.answer(200, {"version": "3.3.2", "git_version": None})
            case ["dags"]:
                dags = [{"dag_id": dag_id} for dag_id in sorted(airflow.dags)]
                exchange.answer(200, {"dags": dags, "total_entries": len(dags)})
            case ["dags", dag_id] if dag_id in airflow.dags:
                exchange.answer(200, {"dag_id": dag_id, "is_paused": False, "has_import_errors": False})
            case ["dags", dag_id]:
                exchange.answer(404, {"detail": f"Dag with dag_id: '{dag_id}' not found"})
            case ["dags", dag_id, "dagRuns"]:
                exchange.answer(200, self._listed(dag_id))
            case ["dags", dag_id, "dagRuns", run_id] if (dag_id, run_id) in airflow.runs:
                exchange.answer(200, {"dag_id": dag_id, "dag_run_id": run_id, "state": "success"})
            case ["dags", _, "dagRuns", _]:
                exchange.answer(404, {"detail": "The DagRun was not found"})
            case ["importErrors"]:
                exchange.answer(200, {"import_errors": [], "total_entries": 0})
            case _:
                exchange.answer(404, {"detail": "Not Found"})

    def _listed(self, dag_id: str) -> dict[str, Any]:
        query = parse_qs(urlsplit(self.path).query)
        prefix = query.get("run_id_prefix_pattern", [""])[0]
        facts = {"state": "success", "start_date": datetime.now(UTC).isoformat()}
        runs = [
            {**facts, "dag_id": dag, "dag_run_id": run_id, "conf": body.get("conf")}
            for (dag, run_id), body in reversed(self.airflow.runs.items())
            if dag_id in {dag, "~"} and run_id.startswith(prefix)
        ]
        return {"dag_runs": runs, "total_entries": len(runs)}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients of fault tests hang up; that is no news."""


@contextmanager
def airflow_server(
    *, port: int = 0, certificate: Path | None = None, **state: Any
) -> Iterator[AirflowServer]:
    """Serve on a loopback port; 0 for any that is free. With a certificate and its key over TLS."""
    airflow = AirflowServer(**state)
    handler = type("Handler", (_Handler,), {"airflow": airflow})
    server = _Server(("127.0.0.1", port), handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        # A handshake belongs to the thread of its connection, not to the one that accepts.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    scheme = "https" if certificate else "http"
    airflow.base_url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield airflow
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
        airflow.database.close()
