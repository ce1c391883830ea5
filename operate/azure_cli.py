"""Azure as the operator sees it: who they are, and what `az` answers."""

import json
import shutil
import subprocess
from typing import Any

from azure.core.credentials import TokenCredential

from operate.errors import DeskError

_TIMEOUT_SECONDS = 60
_TOKEN_TIMEOUT_SECONDS = 30
_INSTALL = "https://learn.microsoft.com/cli/azure/install-azure-cli"


class OperatorIdentity:
    """Whoever is logged in with `az login`: a person, or the identity of a pipeline or of a jump host."""

    def credential(self) -> TokenCredential:
        """Return a new credential; asks nobody yet."""
        # A tenth of a second that the local stack need not wait for.
        from azure.identity import AzureCliCredential  # noqa: PLC0415

        return AzureCliCredential(process_timeout=_TOKEN_TIMEOUT_SECONDS)


def ask_azure(*arguments: str) -> Any:
    """Run `az` and return its JSON.

    Raises:
        DeskError: It is not installed, nobody is logged in, or Azure refuses.
    """
    # On Windows the program is `az.cmd`, which only a full path starts.
    program = shutil.which("az")
    if program is None:
        msg = f"The Azure CLI (az) is not on the PATH: {_INSTALL}"
        raise DeskError(msg)
    command = [program, *arguments, "--output", "json", "--only-show-errors"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired as error:
        msg = f"`az {' '.join(arguments[:3])}` did not answer within {_TIMEOUT_SECONDS} s."
        raise DeskError(msg) from error
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reason = (lines or [f"exit code {done.returncode}"])[0][:300]
        msg = f"`az {' '.join(arguments[:3])}` failed: {reason}"
        if "az login" in done.stderr and "az login" not in reason:
            msg += " Log in with `az login`."
        raise DeskError(msg)
    try:
        return json.loads(done.stdout or "null")
    except ValueError as error:
        msg = f"`az {' '.join(arguments[:3])}` answered no JSON."
        raise DeskError(msg) from error
