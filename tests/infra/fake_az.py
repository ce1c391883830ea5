"""A program named `az` that answers from a script and records its calls."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.infra.bicep import ROOT

_PROGRAM = """\
#!{python}
import json, pathlib, sys
folder = pathlib.Path({folder!r})
line = " ".join(sys.argv[1:])
with (folder / "calls.txt").open("a") as calls:
    calls.write(line + "\\n")
script = json.loads((folder / "script.json").read_text())
for part, answers in script.items():
    if part in line:
        used = folder / ("used-" + part.replace(" ", "-").replace("/", "-"))
        count = int(used.read_text()) if used.exists() else 0
        used.write_text(str(count + 1))
        code, out, error = answers[min(count, len(answers) - 1)]
        print(out)
        print(error, file=sys.stderr)
        sys.exit(code)
print("fake az has no answer for: " + line, file=sys.stderr)
sys.exit(97)
"""

type Reply = tuple[int, str, str]


def succeeded(out: str) -> Reply:
    """A call that succeeds."""
    return (0, out, "")


def failed(error: str, code: int = 1) -> Reply:
    """A call that fails."""
    return (code, "", error)


@dataclass(slots=True, kw_only=True)
class FakeAz:
    """The folder to put first on the PATH.

    Attributes:
        folder: Holds the program, its script and what it was called with.
        script: Answers by a part of the command line, one after the other; the last one stays.
    """

    folder: Path
    script: dict[str, list[Reply]] = field(default_factory=dict)

    def install(self) -> None:
        """Write the program and its script."""
        program = self.folder / "az"
        program.write_text(_PROGRAM.format(python=sys.executable, folder=str(self.folder)))
        program.chmod(0o755)
        (self.folder / "script.json").write_text(json.dumps(self.script))

    @property
    def calls(self) -> list[str]:
        """Every command line, in order, without `az`."""
        path = self.folder / "calls.txt"
        return path.read_text().splitlines() if path.exists() else []

    def count(self, part: str) -> int:
        """Count the calls whose command line has this part."""
        return sum(part in call for call in self.calls)

    def app_settings(self, values: dict[str, str]) -> None:
        """Answer for the settings of the app."""
        listed: list[dict[str, Any]] = [
            {"name": name, "value": value, "slotSetting": False} for name, value in values.items()
        ]
        self.script["functionapp config appsettings list"] = [succeeded(json.dumps(listed))]


HOST_ACCOUNT = "/subscriptions/1/storageAccounts/sthost"


def shown(state: str, url: str = "https://func-test.azurewebsites.net/runtime/webhooks/blobs") -> Reply:
    """An event subscription with a webhook, as the hook asks for it."""
    return succeeded(json.dumps({"state": state, "url": url, "account": None}))


def shown_queue(state: str, account: str = HOST_ACCOUNT) -> Reply:
    """An event subscription with a queue."""
    return succeeded(json.dumps({"state": state, "url": None, "account": account}))


ENVIRONMENT = {
    "AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000001",
    "AZURE_RESOURCE_GROUP": "rg-test",
    "APP_NAME": "func-test",
    "APP_EVENT_SOURCE": "blobTrigger",
    "APP_FUNCTION_NAME": "blob_to_dag",
    "APP_CONTAINERS": '["landing"]',
    "APP_PREFIX": "",
    "APP_SECRET_NAME": "airflow-credentials",
    "DEAD_LETTER_CONTAINER": "eventgrid-deadletter",
    "EVENT_SUBSCRIPTION_NAMES": '["blob-to-dag-test"]',
    "HOST_STORAGE_ACCOUNT_ID": HOST_ACCOUNT,
    "KEY_VAULT_NAME": "kv-test",
    "ROLE_ASSIGNMENTS": '["role-1", "role-2"]',
    "ROLE_ASSIGNMENTS_MARK": "blob-to-dag test",
    "TOPIC_NAME": "egst-test",
    "TOPIC_RESOURCE_GROUP": "rg-landing",
    "TOPIC_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000002",
    "SUBSCRIBE_TIMEOUT_SECONDS": "20",
    "SUBSCRIBE_FIRST_WAIT_SECONDS": "0.01",
}
"""What azd gives to hooks after `azd provision`, and little patience."""


def run_hook(az: FakeAz, program: str = "subscribe", **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the hook as azd does, with the fake az first on the PATH."""
    az.install()
    path = f"{az.folder}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", str(ROOT / "infra" / "hooks" / "hook.sh"), program],
        env=ENVIRONMENT | {"PATH": path} | changes,
        cwd=az.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
