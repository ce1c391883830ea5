"""The `postprovision` hook: remove role assignments that the templates made once and make no longer.

A deployment adds what is new and leaves what is old. Every assignment of the templates has a description that
names the environment; those that the last deployment did not make are removed, and no others.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from infra.hooks.azure_cli import Az, AzureCli, HookError, read_json
from infra.hooks.deployment import Deployment

SETTLED_AFTER_SECONDS = 120.0
"""How old an assignment must be before it works everywhere: https://github.com/Azure/azure-dev/issues/8026"""


def assignments(az: Az, deployment: Deployment) -> list[dict[str, Any]]:
    """Return `id`, `name` and `created` of every assignment that the templates made."""
    query = (
        f"[?description=='{deployment['ROLE_ASSIGNMENTS_MARK']}'].{{id: id, name: name, created: createdOn}}"
    )
    found: list[dict[str, Any]] = []
    for subscription in deployment.subscription_ids:
        found += read_json(
            az(
                *("role", "assignment", "list", "--all", "--subscription", subscription),
                *("--query", query, "--output", "json"),
            )
        )
    return found


def remove_unneeded(az: Az, deployment: Deployment, screen: TextIO) -> None:
    """Remove what the last deployment did not make; raise HookError if that cannot be known or done."""
    needed = set(json.loads(deployment["ROLE_ASSIGNMENTS"]))
    if not needed:
        msg = "ROLE_ASSIGNMENTS is empty: nothing was removed. Run `azd provision` again."
        raise HookError(msg)
    for assignment in assignments(az, deployment):
        if assignment["name"] not in needed:
            removed = az("role", "assignment", "delete", "--ids", assignment["id"])
            if not removed.ok:
                raise HookError(removed.reason)
            print(f"role.removed id={assignment['id']!r}", file=screen)


def wait_until_settled(
    az: Az,
    deployment: Deployment,
    screen: TextIO,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until the newest assignment is old enough for a deployment of code to rely on."""
    created = [datetime.fromisoformat(item["created"]) for item in assignments(az, deployment)]
    if not created:
        return
    left = SETTLED_AFTER_SECONDS - (now() - max(created)).total_seconds()
    if left > 0:
        print(f"New role assignments need time to work: waiting {left:.0f} s.", file=screen, flush=True)
        sleep(left)


def main(environ: Mapping[str, str], screen: TextIO) -> int:
    """Remove what is no longer needed; print the reason and return 1 if that fails."""
    try:
        deployment = Deployment(values=environ)
        remove_unneeded(AzureCli(deployment.subscription_id), deployment, screen)
    except HookError as error:
        print(f"roles.failed reason={str(error)!r}", file=screen)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.stderr))
