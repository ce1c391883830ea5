"""`Deployment`: the azd environment that is being deployed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from infra.hooks.azure_cli import HookError


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Outputs of infra/main.bicep, which azd passes to hooks as environment variables.

    Attributes:
        values: Environment variables by name.
    """

    values: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        """Return a value; raise HookError if it is missing or empty."""
        value = self.values.get(name, "")
        if not value:
            msg = f"{name} is not set: run this hook through azd (`azd hooks run ...`) after `azd provision`."
            raise HookError(msg)
        return value

    @property
    def subscription_id(self) -> str:
        """The Azure subscription of the app."""
        return self["AZURE_SUBSCRIPTION_ID"]

    @property
    def subscription_ids(self) -> tuple[str, ...]:
        """Every Azure subscription that something was made in: the app's, and the landing account's."""
        return tuple(dict.fromkeys((self.subscription_id, self["TOPIC_SUBSCRIPTION_ID"])))

    @property
    def app(self) -> tuple[str, ...]:
        """The function app, as arguments for `az functionapp`."""
        return ("--name", self["APP_NAME"], "--resource-group", self["AZURE_RESOURCE_GROUP"])

    @property
    def app_id(self) -> str:
        """Resource id of the function app."""
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self['AZURE_RESOURCE_GROUP']}"
            f"/providers/Microsoft.Web/sites/{self['APP_NAME']}"
        )

    @property
    def topic_group(self) -> tuple[str, ...]:
        """The resource group of the system topic, as arguments for `az`."""
        return (
            *("--resource-group", self["TOPIC_RESOURCE_GROUP"]),
            *("--subscription", self["TOPIC_SUBSCRIPTION_ID"]),
        )

    @property
    def containers(self) -> tuple[str, ...]:
        """The containers that have an event subscription."""
        return tuple(json.loads(self["APP_CONTAINERS"]))

    @property
    def event_subscriptions(self) -> tuple[tuple[str, str], ...]:
        """The name and the container of each event subscription."""
        names = json.loads(self["EVENT_SUBSCRIPTION_NAMES"])
        return tuple(zip(names, self.containers, strict=True))

    def event_subscription(self, name: str) -> tuple[str, ...]:
        """Return an event subscription, as arguments for `az eventgrid system-topic event-subscription`."""
        return ("--name", name, "--system-topic-name", self["TOPIC_NAME"], *self.topic_group)

    def subscription_parameters(self, name: str, container: str) -> tuple[str, ...]:
        """Return the parameters of infra/subscription.bicep."""
        return (
            f"name={name}",
            f"systemTopicName={self['TOPIC_NAME']}",
            f"functionAppName={self['APP_NAME']}",
            f"functionAppResourceGroup={self['AZURE_RESOURCE_GROUP']}",
            f"functionAppSubscriptionId={self.subscription_id}",
            f"functionName={self['APP_FUNCTION_NAME']}",
            f"hostAccountId={self['HOST_STORAGE_ACCOUNT_ID']}",
            f"deadLetterContainer={self['DEAD_LETTER_CONTAINER']}",
            f"landingContainer={container}",
            f"landingPrefix={self.values.get('APP_PREFIX', '')}",
        )
