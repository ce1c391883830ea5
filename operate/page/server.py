"""`serve`: the page's server, on loopback, in one process with the desk."""

import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from operate.advice import CHANGE_TABLES, EXPECTED, explained
from operate.desk import Desk
from operate.page.frame import alert, frame
from operate.page.gate import Gate, Refusal
from operate.page.html import Html, tag
from operate.page.request import Answer, PageError, Request

LOOPBACK = "127.0.0.1"
_LARGEST_FORM = 1024 * 1024
_MOST_FIELDS = 2_000
_STYLE = Path(__file__).with_name("style.css")
_TIMEOUT_SECONDS = 60

_HEADERS = {
    # Nothing but the style and forms of this page's own.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    # The token must not leave with a link to Airflow. `no-referrer` would hide the origin of our own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

type View = Callable[[Desk, Request], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What there is: views that only read, and those that a form asks to change something.

    Attributes:
        desk: What they work on.
        who: The operator.
        reading: By name, answered to GET.
        changing: By name, answered to POST.
    """

    desk: Desk
    who: str
    reading: Mapping[str, View]
    changing: Mapping[str, View]


class PageServer(ThreadingHTTPServer):
    """Serves the site on loopback, from when it is made until its `with` block ends.

    Raises OSError where the port cannot be had.
    """

    # On Windows it would let a second program listen on the same port.
    allow_reuse_address = sys.platform != "win32"

    def __init__(self, site: Site, *, port: int = 0) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.site = site
        self.gate = Gate(host=f"{LOOPBACK}:{self.server_port}")

    def handle_error(self, *_: object) -> None:
        """Keep quiet: a browser hangs up as it likes."""


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    timeout = _TIMEOUT_SECONDS
    server_version = "blob-to-dag"
    sys_version = ""

    def do_GET(self) -> None:
        """Show something."""
        self._handle(self.server.site.reading)

    def do_POST(self) -> None:
        """Change something, or say what would be changed."""
        self._handle(self.server.site.changing)

    def _handle(self, views: Mapping[str, View]) -> None:
        form = self._form() if self.command == "POST" else ""
        if refusal := self._refusal():
            self._plain(refusal.status, refusal.text)
            return
        target = urlsplit(self.path)
        name = target.path.removeprefix(f"/{self.server.gate.token}").removeprefix("/")
        if name == "style.css" and self.command == "GET":
            self._begin(HTTPStatus.OK, "text/css")
            self.wfile.write(_STYLE.read_bytes())
        elif name in views:
            self._send(self._answer(views[name], form if self.command == "POST" else target.query))
        elif name in self.server.site.changing:
            text = "This address changes something: it takes a form of the page, no link."
            self._send(_failed(text, HTTPStatus.METHOD_NOT_ALLOWED))
        else:
            self._send(_failed("There is no such page.", HTTPStatus.NOT_FOUND))

    def _refusal(self) -> Refusal | None:
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        return self.server.gate.refusal(self.command, self.path, host=host, origin=origin)

    def _answer(self, view: View, fields: str | None) -> Answer:
        try:
            return view(self.server.site.desk, Request(fields=_fields(fields), who=self.server.site.who))
        except (PageError, *EXPECTED) as error:
            return _failed(explained(error, self.server.site.desk, role=CHANGE_TABLES))

    def _form(self) -> str | None:
        """Read the form; None where it is too large."""
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or int(length) > _LARGEST_FORM:
            return None
        return self.rfile.read(int(length)).decode(errors="replace")

    def _send(self, answer: Answer) -> None:
        """Send the pieces as they are made: what takes long is seen to go on."""
        self._begin(answer.status, "text/html; charset=utf-8")
        head, foot = frame(answer, app=self.server.site.desk.origin.title)
        self._write(head)
        try:
            for piece in answer.body:
                self._write(piece)
        except (PageError, *EXPECTED) as error:
            self._write(alert(explained(error, self.server.site.desk, role=CHANGE_TABLES)))
        except (ConnectionError, TimeoutError):
            # The browser has gone: the work stops between two rows.
            return
        except Exception:  # noqa: BLE001  (one broken view must not look like a page that ends here)
            traceback.print_exc()
            self._write(alert("This is a bug of the page; the terminal shows where."))
        self._write(foot)

    def _write(self, piece: Html) -> None:
        self.wfile.write(piece.encode(errors="replace"))

    def _plain(self, status: HTTPStatus, text: str) -> None:
        self._begin(status, "text/plain; charset=utf-8")
        self.wfile.write(f"{text}\n".encode())

    def _begin(self, status: HTTPStatus, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet: each line would have the token."""


def _fields(text: str | None) -> Mapping[str, Sequence[str]]:
    try:
        if text is not None:
            return parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        pass
    msg = "The form is too large: tick fewer rows, or select them with a filter."
    raise PageError(msg)


def _failed(text: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> Answer:
    body = [alert(text), tag("p", tag("a", "To the overview", href="./"))]
    return Answer(title="That did not work", body=body, status=status)
