"""The `postdeploy` hook: make, repair and verify the event subscription of the blob trigger.

Safe to repeat, and run after every deployment of code: each run gives Event Grid the current key.
The key itself is only ever read inside the resource manager, by infra/subscription.bicep.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TextIO

from infra.hooks.azure_cli import Answer, Az, AzureCli, HookError
from infra.hooks.deployment import Deployment

NAME = "blob-to-dag"
"""Of the event subscription, as in infra/subscription.bicep and infra/modules/queue-subscription.bicep."""

TEMPLATE = "infra/subscription.bicep"
TOTAL_SECONDS = 900.0
FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 60.0
THROTTLED_WAIT_SECONDS = 30.0
_CHANGING = frozenset({"Creating", "Updating", "Deleting"})


@dataclass(slots=True, kw_only=True)
class Patience:
    """Growing waits up to a deadline.

    Attributes:
        total: Seconds for everything together.
        wait: Seconds of the next wait; doubles up to a minute.
        sleep: Waits that many seconds.
        clock: Monotonic seconds.
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
        """Begin a new step with short waits; the deadline stays."""
        self.wait = self._first

    def pause(self, reason: str, *, throttled: bool = False) -> None:
        """Wait before another try; raises HookError with the reason where no time is left."""
        least = min(THROTTLED_WAIT_SECONDS, self._first * 6) if throttled else 0.0
        seconds = max(self.wait, least)
        if self.clock() + seconds > self._end:
            msg = f"Given up after {self.total:g} s: {reason}. Run `azd hooks run postdeploy` to try again."
            raise HookError(msg)
        self.sleep(seconds)
        self.wait = min(self.wait * 2, LONGEST_WAIT_SECONDS)


class Subscriber:
    """Brings the event subscription to `Succeeded`."""

    def __init__(self, az: Az, deployment: Deployment, patience: Patience, screen: TextIO) -> None:
        self._az = az
        self._deployment = deployment
        self._patience = patience
        self._screen = screen

    def run(self) -> None:
        """Make or repair the subscription and verify it; raises HookError with what to do."""
        account = self._az("account", "show", "--query", "id", "--output", "tsv")
        if not account.ok:
            raise HookError(account.reason)
        if self._deployment["EVENT_SOURCE"] == "storageQueue":
            self._verify_queue_subscription()
            return
        self._wait_until("the function is listed", self._function_is_listed)
        self._wait_until("the host has made its key", self._key_is_there)
        self._patience.start_over()
        while not self._subscribe():
            pass
        self._say("subscription.ready")

    def _subscribe(self) -> bool:
        """Try once; True if the subscription is good, False after a wait."""
        self._warm()
        state = self._state()
        if state == "Failed":
            # A failed handshake is never tried again by Event Grid, and updating it keeps the failure.
            self._say("subscription.failed_before", action="delete")
            self._delete()
        elif state in _CHANGING:
            self._patience.pause(f"the subscription stays in state {state}")
            return False
        deployed = self._deploy()
        state = self._state()
        if deployed.ok and state == "Succeeded":
            return True
        reason = deployed.reason if not deployed.ok else f"the subscription is in state {state}"
        self._say("subscription.not_yet", reason=reason)
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
            self._say("subscription.waiting", until=what)
            self._patience.pause(f"waited in vain until {what}")

    def _warm(self) -> None:
        """Ask the host for its state through the resource manager: that starts it, and no key is needed."""
        url = f"{self._deployment.app_id}/hostruntime/admin/host/status?api-version=2023-12-01"
        # Only a knock: who may not knock may still be allowed to do the rest.
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
        # Only whether there is one leaves the Azure CLI.
        there = "systemKeys.blobs_extension != `null`"
        answer = self._az(
            "functionapp", "keys", "list", *self._deployment.app, "--query", there, "--output", "tsv"
        )
        return answer.ok and answer.out.lower() == "true"

    def _state(self) -> str | None:
        """Give the provisioning state, None where there is no subscription."""
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

    def _deploy(self) -> Answer:
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
        self._say("subscription.ready")

    def _say(self, event: str, **keys: str) -> None:
        print(event, *(f"{key}={value!r}" for key, value in keys.items()), file=self._screen, flush=True)


def main(environ: Mapping[str, str], screen: TextIO) -> int:
    """Run the hook and give its exit code: 0 subscribed, 1 not, with the reason on the screen.

    `SUBSCRIBE_TIMEOUT_SECONDS` and `SUBSCRIBE_FIRST_WAIT_SECONDS` change how patient it is.
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
        f"Credentials of Airflow belong into secret {secret} of vault {vault}: see docs/deploy.md.",
        file=screen,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.stderr))
