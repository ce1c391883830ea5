"""The `postdeploy` hook: create, repair and verify the event subscription of the blob trigger.

It is safe to repeat and runs after every deployment of code: each run gives Event Grid the current key.
The key itself is only read inside the resource manager, by infra/subscription.bicep.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TextIO

from infra.hooks.azure_cli import Az, AzureCli, HookError, Result
from infra.hooks.deployment import Deployment

NAME = "blob-to-dag"
"""Name of the event subscription, the same as in both Bicep files that create it."""

TEMPLATE = "infra/subscription.bicep"
TOTAL_SECONDS = 900.0
FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 60.0
THROTTLED_WAIT_SECONDS = 30.0
_CHANGING = frozenset({"Creating", "Updating", "Deleting"})


@dataclass(slots=True, kw_only=True)
class Patience:
    """Growing waits, up to a deadline.

    Attributes:
        total: Seconds until the deadline.
        wait: Seconds of the next wait; doubles up to a minute.
        sleep: Sleep for a number of seconds.
        clock: Return monotonic seconds.
    """

    total: float = TOTAL_SECONDS
    wait: float = FIRST_WAIT_SECONDS
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    _first: float = field(init=False)
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        self._first = self.wait
        self._end = self.clock() + self.total

    def start_over(self) -> None:
        """Start a new step with short waits; keep the deadline."""
        self.wait = self._first

    def pause(self, reason: str, *, throttled: bool = False) -> None:
        """Wait before the next attempt; raise HookError with the reason if no time is left."""
        least = min(THROTTLED_WAIT_SECONDS, self._first * 6) if throttled else 0.0
        seconds = max(self.wait, least)
        if self.clock() + seconds > self._end:
            msg = f"Gave up after {self.total:g} s: {reason}. Run `azd hooks run postdeploy` to try again."
            raise HookError(msg)
        self.sleep(seconds)
        self.wait = min(self.wait * 2, LONGEST_WAIT_SECONDS)


class Subscriber:
    """Bring the event subscription to `Succeeded`."""

    def __init__(self, az: Az, deployment: Deployment, patience: Patience, screen: TextIO) -> None:
        self._az = az
        self._deployment = deployment
        self._patience = patience
        self._screen = screen

    def run(self) -> None:
        """Create or repair the subscription and verify it; raise HookError with what to do."""
        account = self._az("account", "show", "--query", "id", "--output", "tsv")
        if not account.ok:
            raise HookError(account.reason)
        if self._deployment["EVENT_SOURCE"] == "storageQueue":
            self._verify_queue_subscription()
            return
        self._wait_until("the function is listed", self._function_is_listed)
        self._wait_until("the host has created its key", self._key_is_there)
        self._patience.start_over()
        while not self._subscribe():
            pass
        self._report("subscription.ready")

    def _subscribe(self) -> bool:
        """Try once; return True if the subscription works, False after a wait."""
        self._warm()
        state = self._state()
        if state == "Failed":
            # Event Grid never repeats a failed handshake, and an update keeps the failure.
            self._report("subscription.failed_before", action="delete")
            self._delete()
        elif state in _CHANGING:
            self._patience.pause(f"the subscription is still in state {state}")
            return False
        deployed = self._deploy()
        state = self._state()
        if deployed.ok and state == "Succeeded":
            return True
        reason = deployed.reason if not deployed.ok else f"the subscription is in state {state}"
        self._report("subscription.not_yet", reason=reason)
        if state == "Failed":
            self._delete()
        self._patience.pause(reason, throttled=deployed.throttled)
        return False

    def _wait_until(self, what: str, check: Callable[[], bool]) -> None:
        self._patience.start_over()
        while True:
            self._warm()
            if check():
                return
            self._report("subscription.waiting", until=what)
            self._patience.pause(f"timed out waiting until {what}")

    def _warm(self) -> None:
        """Ask for the host's state through the resource manager: this starts the host and needs no key."""
        url = f"{self._deployment.app_id}/hostruntime/admin/host/status?api-version=2023-12-01"
        # Optional: an account without this right may still do the rest.
        with suppress(HookError):
            self._az("rest", "--method", "get", "--url", url, "--query", "state", "--output", "tsv")

    def _function_is_listed(self) -> bool:
        listed = self._az(
            *(
                "functionapp",
                "function",
                "list",
                *self._deployment.app,
                "--query",
                "[].name",
                "--output",
                "tsv",
            )
        )
        names = {name.rpartition("/")[2].strip() for name in listed.out.splitlines()}
        return listed.ok and self._deployment["FUNCTION_NAME"] in names

    def _key_is_there(self) -> bool:
        # Ask only whether there is one, so that the key does not leave the Azure CLI.
        there = "systemKeys.blobs_extension != `null`"
        result = self._az(
            "functionapp", "keys", "list", *self._deployment.app, "--query", there, "--output", "tsv"
        )
        return result.ok and result.out.lower() == "true"

    def _state(self) -> str | None:
        """Return the provisioning state, or None if there is no subscription."""
        shown = self._az(
            *(
                "eventgrid",
                "system-topic",
                "event-subscription",
                "show",
                "--name",
                NAME,
                *self._deployment.topic,
            ),
            *("--query", "provisioningState", "--output", "tsv"),
        )
        return shown.out if shown.ok else None

    def _delete(self) -> None:
        self._az(
            *("eventgrid", "system-topic", "event-subscription", "delete", "--name", NAME, "--yes"),
            *self._deployment.topic,
        )

    def _deploy(self) -> Result:
        return self._az(
            *("deployment", "group", "create", "--name", f"{NAME}-subscription"),
            *("--resource-group", self._deployment["EVENT_GRID_RESOURCE_GROUP"], "--template-file", TEMPLATE),
            *("--parameters", *self._deployment.subscription_parameters, "--output", "none"),
        )

    def _verify_queue_subscription(self) -> None:
        state = self._state()
        if state != "Succeeded":
            msg = f"The event subscription of the queue is in state {state}: run `azd provision` again."
            raise HookError(msg)
        self._report("subscription.ready")

    def _report(self, event: str, **keys: str) -> None:
        print(event, *(f"{key}={value!r}" for key, value in keys.items()), file=self._screen, flush=True)


def main(environ: Mapping[str, str], screen: TextIO) -> int:
    """Run the hook; return 0 if the subscription works, else print the reason and return 1.

    `SUBSCRIBE_TIMEOUT_SECONDS` and `SUBSCRIBE_FIRST_WAIT_SECONDS` change how long it waits.
    """
    try:
        deployment = Deployment(values=environ)
        patience = Patience(
            total=float(environ.get("SUBSCRIBE_TIMEOUT_SECONDS", TOTAL_SECONDS)),
            wait=float(environ.get("SUBSCRIBE_FIRST_WAIT_SECONDS", FIRST_WAIT_SECONDS)),
        )
        Subscriber(AzureCli(deployment.subscription_id), deployment, patience, screen).run()
    except HookError as error:
        print(f"subscription.failed reason={str(error)!r}", file=screen)
        return 1
    vault, secret = environ.get("KEY_VAULT_NAME", ""), environ.get("AIRFLOW_SECRET_NAME", "")
    print(
        f"Store Airflow's credentials in secret {secret} of vault {vault}: see docs/deploy.md.",
        file=screen,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.stderr))
