"""The postdeploy hook looks before it touches: the queue variant's subscription, and those of others."""

from pathlib import Path

import pytest

from tests.infra.fake_az import ENVIRONMENT, FakeAz, failed, run_hook, shown, shown_queue, succeeded

SHOW = "event-subscription show"
DELETE = "event-subscription delete"
CREATE = "deployment group create"
NOT_FOUND = failed("ERROR: (ResourceNotFound) The event subscription was not found.", 3)


@pytest.fixture
def az(tmp_path: Path) -> FakeAz:
    """Return an az whose app runs; tests say what Event Grid shows."""
    return FakeAz(
        folder=tmp_path,
        script={
            "account show": [succeeded(ENVIRONMENT["AZURE_SUBSCRIPTION_ID"])],
            "functionapp function list": [succeeded("func-test/blob_to_dag")],
            "functionapp keys list": [succeeded("True")],
            "functionapp show": [succeeded("func-test.azurewebsites.net")],
            "host/status": [succeeded("Running")],
        },
    )


def test_queue_variant_is_only_verified(az: FakeAz) -> None:
    """Its subscription is part of the one deployment."""
    az.script[SHOW] = [shown_queue("Succeeded")]

    done = run_hook(az, APP_EVENT_SOURCE="storageQueue")

    assert done.returncode == 0, done.stderr
    assert az.count(CREATE) == az.count("keys list") == az.count("function list") == 0


def test_queue_variant_without_subscription_fails(az: FakeAz) -> None:
    """The state is shown, and what makes it good."""
    az.script[SHOW] = [NOT_FOUND]

    done = run_hook(az, APP_EVENT_SOURCE="storageQueue")

    assert done.returncode == 1
    assert "azd provision" in done.stderr


@pytest.mark.parametrize("state", ["Succeeded", "Failed"])
def test_subscription_of_another_app_is_left_alone(az: FakeAz, state: str) -> None:
    """Same name, another endpoint: a person decides."""
    az.script[SHOW] = [shown(state, "https://func-other.azurewebsites.net/runtime/webhooks/blobs")]

    done = run_hook(az)

    assert done.returncode == 1
    assert "func-other.azurewebsites.net" in done.stderr
    assert az.count(CREATE) == az.count(DELETE) == 0


def test_queue_of_another_environment_is_left_alone(az: FakeAz) -> None:
    """The queue variant, too: the account is not this environment's."""
    az.script[SHOW] = [shown_queue("Succeeded", "/subscriptions/1/storageAccounts/stother")]

    done = run_hook(az, APP_EVENT_SOURCE="storageQueue")

    assert done.returncode == 1
    assert "stother" in done.stderr
