"""`EventSubscription`: what Event Grid says of an event subscription of the environment, and its changes."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from infra.hooks.azure_cli import Az, HookError, Result, read_json
from infra.hooks.deployment import Deployment

TEMPLATE = "infra/subscription.bicep"
CHANGING = frozenset({"Creating", "Updating", "Deleting"})
_COMMAND = ("eventgrid", "system-topic", "event-subscription")
_FIELDS = (
    "{state: provisioningState, url: destination.endpointBaseUrl, "
    "account: deliveryWithResourceIdentity.destination.resourceId}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSubscription:
    """The event subscription of one container; a landing account may serve several environments.

    Attributes:
        az: Runs `az`.
        deployment: The environment.
        name: Of the subscription.
        container: Whose events it is for.
    """

    az: Az
    deployment: Deployment
    name: str
    container: str

    def state(self) -> str | None:
        """Return the provisioning state, or None if there is no such subscription.

        Raises:
            HookError: It delivers to something that is not this environment's, so it is left alone.
        """
        shown = self.az(
            *(*_COMMAND, "show"),
            *self.deployment.event_subscription(self.name),
            *("--query", _FIELDS, "--output", "json"),
        )
        if not shown.ok:
            return None
        found = read_json(shown)
        target = self._foreign_target(found.get("url") or "", found.get("account") or "")
        if target:
            msg = (
                f"The event subscription {self.name} delivers to {target}, "
                "which is not of this environment. It was not touched. Delete it, or use another environment."
            )
            raise HookError(msg)
        return str(found["state"])

    def _foreign_target(self, url: str, account: str) -> str:
        """Return where it delivers to, if that is not this environment's app or account, else nothing."""
        if account and account.lower() != self.deployment["HOST_STORAGE_ACCOUNT_ID"].lower():
            return account
        host = urlsplit(url).hostname or ""
        return host if host and host != self._app_host() else ""

    def _app_host(self) -> str:
        shown = self.az(
            *("functionapp", "show", *self.deployment.app),
            *("--query", "properties.defaultHostName || defaultHostName", "--output", "tsv"),
        )
        if not shown.ok:
            raise HookError(shown.reason)
        return shown.out.lower()

    def delete(self) -> None:
        """Delete it; only after `state` has said whose it is."""
        self.az(*_COMMAND, "delete", *self.deployment.event_subscription(self.name), "--yes")

    def deploy(self) -> Result:
        """Create it, or give it the app's current key."""
        return self.az(
            *("deployment", "group", "create", "--name", self.name),
            *(*self.deployment.topic_group, "--template-file", TEMPLATE, "--output", "none"),
            *("--parameters", *self.deployment.subscription_parameters(self.name, self.container)),
        )
