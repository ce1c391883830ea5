"""`AzureCli`: run `az` and classify its failures."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any, Protocol

CALL_TIMEOUT_SECONDS = 600


class HookError(Exception):
    """The hook cannot continue; the message says what to do. Running it again is always safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of one `az` command.

    Attributes:
        code: Exit code; 0 is success.
        out: Standard output, stripped.
        error: Standard error, stripped.
    """

    code: int
    out: str
    error: str

    @property
    def ok(self) -> bool:
        """Whether the call succeeded."""
        return self.code == 0

    @property
    def reason(self) -> str:
        """The most useful line of the error output, at most 300 characters."""
        lines = [line.strip() for line in self.error.splitlines() if line.strip()]
        useful = [line for line in lines if not line.startswith(("WARNING", "Traceback"))]
        return (useful or lines or [f"az failed with exit code {self.code}"])[0][:300]

    @property
    def throttled(self) -> bool:
        """Whether Azure rejected the request because there were too many."""
        return any(
            text in self.error for text in ("TooManyRequests", "(429)", "SubscriptionRequestsThrottled")
        )


class Az(Protocol):
    """Run `az` with arguments."""

    def __call__(self, *arguments: str) -> Result:
        """Return the result; raise HookError if no further call can succeed."""


class AzureCli:
    """The Azure CLI on the PATH, for one subscription."""

    def __init__(self, subscription_id: str) -> None:
        # On Windows the program is `az.cmd`, which only a full path starts.
        found = shutil.which("az")
        if found is None:
            msg = "The Azure CLI (az) is not on the PATH: https://learn.microsoft.com/cli/azure/install-azure-cli"
            raise HookError(msg)
        self._program = found
        self._subscription_id = subscription_id

    def __call__(self, *arguments: str) -> Result:
        """Run `az` with the arguments and the subscription, unless they name one; return the result.

        Raises:
            HookError: Not logged in, or a role is missing; a retry would not help.
        """
        is_scoped = arguments[0] == "rest" or "--subscription" in arguments or "--ids" in arguments
        scope = [] if is_scoped else ["--subscription", self._subscription_id]
        command = [self._program, *arguments, *scope, "--only-show-errors"]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                stdin=subprocess.DEVNULL,
                timeout=CALL_TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return Result(
                code=-1, out="", error=f"az {arguments[0]} timed out after {CALL_TIMEOUT_SECONDS} s"
            )
        result = Result(code=done.returncode, out=done.stdout.strip(), error=done.stderr.strip())
        _raise_if_final(result)
        return result


def _raise_if_final(result: Result) -> None:
    if result.ok:
        return
    if "az login" in result.error or "AADSTS" in result.error:
        msg = "The Azure CLI is not logged in: run `az login`, then `azd hooks run postdeploy`."
        raise HookError(msg)
    if "AuthorizationFailed" in result.error or "does not have authorization" in result.error:
        msg = f"The logged-in account lacks a role: {result.reason}"
        raise HookError(msg)


def read_json(result: Result) -> Any:
    """Return the output as JSON; raise HookError if the call failed or the output is not JSON."""
    if not result.ok:
        raise HookError(result.reason)
    try:
        return json.loads(result.out)
    except json.JSONDecodeError as error:
        msg = "az did not return JSON."
        raise HookError(msg) from error
