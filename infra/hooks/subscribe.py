"""The `postdeploy` hook: create, repair and verify the event subscriptions of the blob trigger.

Each container has one, and all call the one function: which blobs reach it is theirs to say.

It is safe to repeat and runs after every deployment of code: each run gives Event Grid the current key.
The key itself is only read inside the resource manager, by infra/subscription.bicep.
"""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TextIO

from infra.hooks.azure_cli import Az, AzureCli, HookError
from infra.hooks.deployment import Deployment
from infra.hooks.event_subscription import CHANGING, EventSubscription
from infra.hooks.patience import FIRST_WAIT_SECONDS, TOTAL_SECONDS, Patience

HINT = (
    "The app's access restrictions must let in the service tag AzureEventGrid. "
    "Run `azd hooks run postdeploy` to try again."
)


class Subscriber:
    """Bring the event subscriptions to `Succeeded`."""

    def __init__(self, az: Az, deployment: Deployment, patience: Patience, screen: TextIO) -> None:
        self._az = az
        self._deployment = deployment
        self._patience = patience
        self._screen = screen

    def run(self) -> None:
        """Create or repair the subscriptions and verify them; raise HookError with what to do."""
        account = self._az("account", "show", "--query", "id", "--output", "tsv")
        if not account.ok:
            raise HookError(account.reason)
        subscriptions = [
            EventSubscription(az=self._az, deployment=self._deployment, name=name, container=container)
            for name, container in self._deployment.event_subscriptions
        ]
        if self._deployment["APP_EVENT_SOURCE"] == "storageQueue":
            for subscription in subscriptions:
                self._verify_queue_subscription(subscription)
            return
        self._wait_until("the function is listed", self._function_is_listed)
        self._wait_until("the host has created its key", self._key_is_there)
        for subscription in subscriptions:
            self._patience.start_over()
            while not self._subscribe(subscription):
                pass
            self._report("subscription.ready", container=subscription.container)

    def _subscribe(self, subscription: EventSubscription) -> bool:
        """Try once; return True if the subscription works, False after a wait."""
        self._warm()
        state = subscription.state()
        if state == "Failed":
            # Event Grid never repeats a failed handshake, and an update keeps the failure.
            self._report("subscription.failed_before", action="delete")
            subscription.delete()
        elif state in CHANGING:
            self._patience.pause(f"the subscription is still in state {state}")
            return False
        deployed = subscription.deploy()
        state = subscription.state()
        if deployed.ok and state == "Succeeded":
            return True
        reason = deployed.reason if not deployed.ok else f"the subscription is in state {state}"
        self._report("subscription.not_yet", reason=reason)
        if state == "Failed":
            subscription.delete()
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
            *("functionapp", "function", "list", *self._deployment.app),
            *("--query", "[].name", "--output", "tsv"),
        )
        names = {name.rpartition("/")[2].strip() for name in listed.out.splitlines()}
        if listed.ok and self._deployment["APP_FUNCTION_NAME"] in names:
            return True
        # The platform's list of triggers is a copy, which a deployment does not always renew.
        url = f"{self._deployment.app_id}/syncfunctiontriggers?api-version=2023-12-01"
        with suppress(HookError):
            self._az("rest", "--method", "post", "--url", url)
        return False

    def _key_is_there(self) -> bool:
        # Ask only whether there is one, so that the key does not leave the Azure CLI.
        there = "systemKeys.blobs_extension != `null`"
        result = self._az(
            "functionapp", "keys", "list", *self._deployment.app, "--query", there, "--output", "tsv"
        )
        return result.ok and result.out.lower() == "true"

    def _verify_queue_subscription(self, subscription: EventSubscription) -> None:
        state = subscription.state()
        if state != "Succeeded":
            msg = f"The event subscription of the queue is in state {state}: run `azd provision` again."
            raise HookError(msg)
        self._report("subscription.ready", container=subscription.container)

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
            hint=HINT,
        )
        Subscriber(AzureCli(deployment.subscription_id), deployment, patience, screen).run()
    except HookError as error:
        print(f"subscription.failed reason={str(error)!r}", file=screen)
        return 1
    vault, secret = environ.get("KEY_VAULT_NAME", ""), environ.get("APP_SECRET_NAME", "")
    print(
        f"Store Airflow's credentials in secret {secret} of vault {vault}: see docs/deploy.md.",
        file=screen,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.stderr))
