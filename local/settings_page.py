"""Write docs/settings.md from the code: `python -m local.settings_page`."""

from pathlib import Path

from shared.config.settings import Settings

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"

_HEAD = """\
# Settings

<!-- Made by `make settings`: change shared/config/settings.py instead. -->

App settings in Azure, `local.settings.json` on your machine. They are read and checked when the first event
comes; every fault is named in one message, and events wait until it is corrected. In Azure they come from the
templates: [deploy.md](deploy.md) says which `azd` variable sets which; `tuning` in `infra/main.bicepparam`
takes the others.

| Setting | Default | What it is |
|---|---|---|
"""

_TAIL = """
Read by the decorators, the storage clients and the log-in:

| Setting | Default | What it is |
|---|---|---|
| `LANDING_PATH` | `landing/{name}` | Container and pattern of the blobs to watch |
| `EVENT_SOURCE` | `EventGrid` | `queue` for events by a storage queue; `LogsAndContainerScan` for Azurite, which raises no events |
| `RECONCILE_EVERY` |  | How often the reconciler looks for files whose event never came: `10m` to `30m`, `1h` to `12h`, `1d`; off if not set |
| `LandingStorage__blobServiceUri`, `…__queueServiceUri` | must be set | Endpoints of the landing account (`LandingStorage` takes a connection string, for Azurite) |
| `AzureWebJobsStorage__blobServiceUri`, `…__queueServiceUri`, `…__tableServiceUri` | must be set | Endpoints of the host's account, where the outbox and the dead letters are (`AzureWebJobsStorage` takes a connection string, for Azurite) |
| `…__clientId` | system identity | Client id of the user-assigned identity for that account |
| `AIRFLOW_USERNAME`, `AIRFLOW_PASSWORD`, `AIRFLOW_TOKEN`, `AIRFLOW_OAUTH_CLIENT_ID`, `AIRFLOW_OAUTH_CLIENT_SECRET` | | Credentials on your machine; in Azure they are in Key Vault |
| `AZURE_CLIENT_ID`, `AZURE_TENANT_ID`, `AZURE_CLIENT_SECRET` | managed identity | Who reads the vault; the last two only outside Azure |
"""  # noqa: E501 (rows of a table)


def page() -> str:
    """Return the page: name, default and purpose of every setting, in the order of the code."""
    rows = []
    for setting in Settings.table().values():
        default = (
            "must be set" if setting.default is None else f"`{setting.default}`" if setting.default else ""
        )
        rows.append(f"| `{setting.name}` | {default} | {setting.purpose} |\n")
    return _HEAD + "".join(rows) + _TAIL


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
