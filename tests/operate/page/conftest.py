"""The page, served as `blob-to-dag ui` does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import requests

from operate.desk import Desk
from operate.page.gate import Gate
from operate.page.server import PageServer, Site
from operate.page.site import site_of


@dataclass(frozen=True)
class Page:
    """A running page, asked without a browser."""

    gate: Gate

    def get(self, place: str = "", **fields: str) -> requests.Response:
        """Ask for a page."""
        return requests.get(f"{self.gate.address}{place}", params=fields, timeout=60)

    def post(self, place: str, fields: list[tuple[str, str]] | dict[str, str]) -> requests.Response:
        """Send a form as the page's own pages do."""
        headers = {"Origin": f"http://{self.gate.host}"}
        return requests.post(f"{self.gate.address}{place}", data=fields, headers=headers, timeout=60)


@contextmanager
def served(site: Site) -> Iterator[Gate]:
    """Serve a site, as `blob-to-dag ui` does."""
    with PageServer(site) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.gate
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def page(desk: Desk) -> Iterator[Page]:
    """Serve the page of the test's app."""
    with served(site_of(desk, who="ann")) as gate:
        yield Page(gate)
