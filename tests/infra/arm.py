"""A stand-in for the resource manager behind `az`: it keeps event subscriptions, as Event Grid does.

Two environments that use one landing account see the same topic, so what one does the other meets.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PROGRAM = """\
#!{python}
import json, pathlib, sys
path = pathlib.Path({state!r})
state = json.loads(path.read_text())
words = sys.argv[1:]

def option(name):
    return words[words.index(name) + 1]

def end(out="", error="", code=0):
    path.write_text(json.dumps(state))
    print(out)
    print(error, file=sys.stderr)
    sys.exit(code)

line = " ".join(words)
kept = state["subscriptions"]
if line.startswith("account show"):
    end("id")
if line.startswith("functionapp function list"):
    end(option("--name") + "/blob_to_dag" if option("--name") in state["synced"] else "")
if line.startswith("functionapp keys list"):
    end("True")
if line.startswith("functionapp show"):
    end(option("--name") + ".azurewebsites.net")
if line.startswith("rest --method post") and "syncfunctiontriggers" in line:
    state["synced"].append(option("--url").split("/sites/")[1].split("/")[0])
    end()
if line.startswith("rest"):
    end("Running")
if line.startswith("deployment group create"):
    given = dict(word.split("=", 1) for word in words if "=" in word)
    host = given["functionAppName"] + ".azurewebsites.net"
    kept[given["systemTopicName"] + "/" + given["name"]] = "https://" + host + "/runtime/webhooks/blobs"
    end()
key = option("--system-topic-name") + "/" + option("--name")
if key not in kept:
    end(error="ERROR: (ResourceNotFound) The event subscription was not found.", code=3)
if " delete " in line:
    del kept[key]
    end()
end(json.dumps(dict(state="Succeeded", url=kept[key], account=None)))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """The folder to put first on the PATH.

    Attributes:
        folder: Holds the program `az` and the state.
    """

    folder: Path

    def install(self) -> None:
        """Write the program, with nothing deployed yet."""
        self._state.write_text(json.dumps({"subscriptions": {}, "synced": []}))
        program = self.folder / "az"
        program.write_text(_PROGRAM.format(python=sys.executable, state=str(self._state)))
        program.chmod(0o755)

    @property
    def _state(self) -> Path:
        return self.folder / "state.json"

    @property
    def subscriptions(self) -> dict[str, str]:
        """The endpoint of each event subscription, by `topic/name`."""
        state: dict[str, Any] = json.loads(self._state.read_text())
        return dict(state["subscriptions"])
