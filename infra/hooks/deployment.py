"""`Deployment`: the azd environment that is being deployed."""

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
        """The Azure subscription."""
        return self["AZURE_SUBSCRIPTION_ID"]

    @property
    def app(self) -> tuple[str, ...]:
        """The function app, as arguments for `az functionapp`."""
        return ("--name", self["AZURE_FUNCTION_APP_NAME"], "--resource-group", self["AZURE_RESOURCE_GROUP"])

    @property
    def app_id(self) -> str:
        """Resource id of the function app."""
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self['AZURE_RESOURCE_GROUP']}"
            f"/providers/Microsoft.Web/sites/{self['AZURE_FUNCTION_APP_NAME']}"
        )

    @property
    def topic(self) -> tuple[str, ...]:
        """The system topic, as arguments for `az eventgrid`."""
        return (
            *("--system-topic-name", self["EVENT_GRID_SYSTEM_TOPIC_NAME"]),
            *("--resource-group", self["EVENT_GRID_RESOURCE_GROUP"]),
        )

    @property
    def subscription_parameters(self) -> tuple[str, ...]:
        """The parameters of infra/subscription.bicep."""
        return (
            f"systemTopicName={self['EVENT_GRID_SYSTEM_TOPIC_NAME']}",
            f"functionAppName={self['AZURE_FUNCTION_APP_NAME']}",
            f"functionAppResourceGroup={self['AZURE_RESOURCE_GROUP']}",
            f"functionName={self['FUNCTION_NAME']}",
            f"hostAccountId={self['HOST_STORAGE_ACCOUNT_ID']}",
            f"deadLetterContainer={self['EVENT_GRID_DEAD_LETTER_CONTAINER']}",
            f"landingContainer={self['LANDING_CONTAINER']}",
            f"landingPrefix={self.values.get('LANDING_PREFIX', '')}",
        )
