"""A real nginx in front of an Airflow: TLS, a path, compression, its own error pages."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.processes import NotInstalledError, free_port, is_listening, start_process, stop_processes

START_SECONDS = 15
PREFIX = "/team/airflow"

_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  gzip on;
  gzip_min_length 1;
  gzip_proxied any;
  gzip_types application/json;
  server {{
    listen 127.0.0.1:{http_port};
    return 301 https://127.0.0.1:{https_port}$request_uri;
  }}
  server {{
    listen 127.0.0.1:{https_port} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {certificate};
    absolute_redirect off;
    location = / {{ return 302 {prefix}/; }}
    location {prefix}/ {{
      proxy_pass {upstream}/;
      proxy_read_timeout {read_seconds}s;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-Prefix {prefix};
    }}
  }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nginx:
    """A running nginx.

    Attributes:
        https_url: Where Airflow is, with its path.
        http_url: The same in plain http, which is redirected.
        origin: The server itself, without the path.
    """

    https_url: str
    http_url: str
    origin: str


def find_nginx() -> str:
    """Return the program; raises NotInstalledError."""
    # Debian puts it where only root looks.
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        msg = "nginx is missing: install it, on Debian with `apt-get install nginx-light`"
        raise NotInstalledError(msg)
    return found


@contextmanager
def start_nginx(upstream: str, certificate: Path, *, read_seconds: int = 60) -> Iterator[Nginx]:
    """Run nginx in front of a server, with a certificate and its key in one file.

    Raises:
        NotInstalledError: There is no nginx.
        ProcessError: It did not start.
    """
    program = find_nginx()
    with tempfile.TemporaryDirectory(prefix="nginx-") as name:
        folder = Path(name)
        http_port, https_port = free_port(), free_port()
        (folder / "nginx.conf").write_text(
            _CONFIGURATION.format(
                folder=folder,
                http_port=http_port,
                https_port=https_port,
                certificate=certificate,
                upstream=upstream,
                prefix=PREFIX,
                read_seconds=read_seconds,
            ),
            encoding="utf-8",
        )
        process = start_process(
            [program, "-p", name, "-e", f"{name}/error.log", "-c", f"{name}/nginx.conf"],
            name="nginx",
            log_path=folder / "nginx.log",
        )
        try:
            process.wait_until(
                lambda: is_listening(https_port), timeout_seconds=START_SECONDS, what="nginx listening"
            )
            yield Nginx(
                https_url=f"https://127.0.0.1:{https_port}{PREFIX}",
                http_url=f"http://127.0.0.1:{http_port}{PREFIX}",
                origin=f"https://127.0.0.1:{https_port}",
            )
        finally:
            stop_processes([process], grace_seconds=5)
