"""`AzureCli`: one call of `az`, with what its failure means for the next step."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any, Protocol

CALL_TIMEOUT_SECONDS = 600


class HookError(Exception):
    """The hook ends here; the message says what to do. Running it again is always safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What `az` said.

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
        """The one line of the error that says most, at most 300 characters."""
        lines = [line.strip() for line in self.error.splitlines() if line.strip()]
        telling = [line for line in lines if not line.startswith(("WARNING", "Traceback"))]
        return (telling or lines or [f"az ended with {self.code}"])[0][:300]

    @property
    def throttled(self) -> bool:
        """Whether Azure asked to come back later."""
        return any(
            sign in self.error for sign in ("TooManyRequests", "(429)", "SubscriptionRequestsThrottled")
        )


class Az(Protocol):
    """Runs `az` with arguments."""

    def __call__(self, *arguments: str) -> Answer:
        """Run it and give its answer; raises HookError where no further call can succeed."""


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

    def __call__(self, *arguments: str) -> Answer:
        """Run `az` with the arguments, the subscription and no questions asked.

        Raises:
            HookError: Nobody is logged in, or the one who is lacks a role; trying again changes nothing.
        """
        scope = [] if arguments[0] == "rest" else ["--subscription", self._subscription_id]
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
            return Answer(code=-1, out="", error=f"az {arguments[0]} took more than {CALL_TIMEOUT_SECONDS} s")
        answer = Answer(code=done.returncode, out=done.stdout.strip(), error=done.stderr.strip())
        _raise_if_final(answer)
        return answer


def _raise_if_final(answer: Answer) -> None:
    if answer.ok:
        return
    if "az login" in answer.error or "AADSTS" in answer.error:
        msg = "The Azure CLI is not logged in: run `az login`, then `azd hooks run postdeploy`."
        raise HookError(msg)
    if "AuthorizationFailed" in answer.error or "does not have authorization" in answer.error:
        msg = f"The account that is logged in lacks a role: {answer.reason}"
        raise HookError(msg)


def read_json(answer: Answer) -> Any:
    """Read the output as JSON; raises HookError where it is none or the call failed."""
    if not answer.ok:
        raise HookError(answer.reason)
    try:
        return json.loads(answer.out)
    except json.JSONDecodeError as error:
        msg = "az gave no JSON."
        raise HookError(msg) from error
