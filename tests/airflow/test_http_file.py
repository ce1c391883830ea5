"""Every call in `docs/airflow.http` works as it stands, in the Airflow that it is for."""

import re
import uuid
from pathlib import Path

import pytest
import requests

from tests.airflow.harness import TIMEOUT_SECONDS, AirflowHarness

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(120)]

FILE = Path(__file__).parents[2] / "docs" / "airflow.http"
GENERATIONS = {"v2": "Airflow 3", "v1": "Airflow 2", "experimental": "Airflow 1.10"}
TOKEN = "{{login.response.body.access_token}}"


def calls(generation: str) -> list[str]:
    """Return the blocks for one generation."""
    blocks = re.split(r"^### ", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [block for block in blocks[1:] if block.startswith(f"{generation}: ")]


def test_every_call_of_the_file_works(harness: AirflowHarness) -> None:
    """In its order, as a person would click them."""
    values = {
        "{{base}}": harness.airflow.base_url,
        "{{username}}": harness.airflow.username,
        "{{password}}": harness.airflow.password,
        "{{dag}}": "contract_take",
        "{{run}}": f"by-hand-{uuid.uuid4().hex[:8]}",
    }
    played = 0
    for block in calls(GENERATIONS[harness.api]):
        text = block
        for name, value in values.items():
            text = text.replace(name, value)
        head, _, body = "\n".join(line for line in text.splitlines()[1:] if line[:1] != "#").partition("\n\n")
        first, *lines = head.splitlines()
        method, url = first.split(" ", 1)
        headers = dict(line.split(": ", 1) for line in lines)
        auth = None
        if headers.get("Authorization", "").startswith("Basic "):
            _, username, password = headers.pop("Authorization").split(" ")
            auth = (username, password)
        data = body.strip() or None
        answer = requests.request(method, url, headers=headers, data=data, auth=auth, timeout=TIMEOUT_SECONDS)
        played += 1

        assert answer.ok, (block, answer.status_code, answer.text)
        if url.endswith("/auth/token"):
            values[TOKEN] = answer.json()["access_token"]
    assert played >= 6
