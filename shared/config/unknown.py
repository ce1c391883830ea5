"""`unknown_settings`: names that look like a setting of the app, and are none."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from shared.config.bindings import LANDING_CONNECTION
from shared.config.settings import HOST_CONNECTION, Settings

_OTHERS = {
    *("LANDING_PATH", "EVENT_SOURCE", "RECONCILE_EVERY"),
    *("AIRFLOW_USERNAME", "AIRFLOW_PASSWORD", "AIRFLOW_TOKEN"),
    *("AIRFLOW_OAUTH_CLIENT_ID", "AIRFLOW_OAUTH_CLIENT_SECRET"),
    *("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_AUTHORITY_HOST"),
    *(HOST_CONNECTION, LANDING_CONNECTION),
}
"""What is read beside the table of settings."""

_OURS = re.compile(r"(AIRFLOW|LANDING|RECONCILE)_(?!_)")
_AIRFLOWS_OWN = re.compile(r"AIRFLOW_(HOME|CONFIG|CONN_|VAR_|CTX_|UID|GPL_UNIDECODE|VERSION|PROJ_DIR|IMAGE_)")
_CONNECTION = re.compile(rf"({HOST_CONNECTION}|{LANDING_CONNECTION})(__\w+)?")
_CUTOFF = 0.87
"""Of difflib: one letter in seven, so that the platform's own settings are no misspelt ones."""


def unknown_settings(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each name that is nearly one of ours; values are never shown."""
    known = _OTHERS | {item.name for item in Settings.table().values()}
    by_folded = {name.upper(): name for name in known}
    for name in sorted(environ):
        if name in known or _CONNECTION.fullmatch(name) or _AIRFLOWS_OWN.match(name):
            continue
        near = get_close_matches(name.upper(), by_folded, n=1, cutoff=_CUTOFF)
        if near:
            yield f"{name!a} is no setting of the app; is {by_folded[near[0]]} meant?"
        elif _OURS.match(name):
            yield f"{name!a} is no setting of the app."
