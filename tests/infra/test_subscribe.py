"""The postdeploy hook, run as azd runs it, against an `az` that fails in the ways that Azure does."""

from pathlib import Path

import pytest

from tests.infra.bicep import load
from tests.infra.fake_az import ENVIRONMENT, FakeAz, failed, run_hook, shown, succeeded

FUNCTIONS = "functionapp function list"
HOST = "functionapp show"
SYNC = "syncfunctiontriggers"
KEYS = "functionapp keys list"
SHOW = "event-subscription show"
DELETE = "event-subscription delete"
CREATE = "deployment group create"
STATUS = "host/status"

NOT_FOUND = failed("ERROR: (ResourceNotFound) The event subscription was not found.", 3)
HANDSHAKE = failed(
    "ERROR: (Url validation) The attempt to validate the provided endpoint "
    "https://func-x.azurewebsites.net/runtime/webhooks/blobs failed. Response code Unknown."
)


@pytest.fixture
def az(tmp_path: Path) -> FakeAz:
    """Return an az with which everything goes well; tests change what they are about."""
    return FakeAz(
        folder=tmp_path,
        script={
            "account show": [succeeded(ENVIRONMENT["AZURE_SUBSCRIPTION_ID"])],
            FUNCTIONS: [succeeded("func-test/blob_to_dag")],
            KEYS: [succeeded("True")],
            STATUS: [succeeded("Running")],
            SYNC: [succeeded("")],
            SHOW: [NOT_FOUND, shown("Succeeded")],
            HOST: [succeeded("func-test.azurewebsites.net")],
            DELETE: [succeeded("")],
            CREATE: [succeeded("")],
        },
    )


def test_first_deployment_makes_the_subscription(az: FakeAz) -> None:
    """One deployment of the second template, with everything that it needs."""
    done = run_hook(az)

    assert done.returncode == 0, done.stderr
    assert "subscription.ready" in done.stderr
    assert az.count(CREATE) == 1
    assert az.count(DELETE) == 0
    (call,) = (call for call in az.calls if CREATE in call)
    assert "--resource-group rg-landing --subscription 00000000-0000-0000-0000-000000000002" in call
    assert "--template-file infra/subscription.bicep" in call
    given = {word.partition("=")[0] for word in call.split("--parameters ")[1].split() if "=" in word}
    assert given == set(load()["subscription.bicep"].params)


def test_second_run_repairs_nothing_and_succeeds(az: FakeAz) -> None:
    """A good subscription is deployed again over itself, with the current key; nothing is deleted."""
    az.script[SHOW] = [shown("Succeeded")]

    done = run_hook(az)

    assert done.returncode == 0, done.stderr
    assert az.count(CREATE) == 1
    assert az.count(DELETE) == 0


def test_cold_app_is_warmed_until_the_function_is_listed(az: FakeAz) -> None:
    """A fresh app lists no functions yet; every look starts it."""
    az.script[FUNCTIONS] = [
        succeeded(""),
        failed("ERROR: Service Unavailable"),
        succeeded("func-test/blob_to_dag"),
    ]
    az.script[STATUS] = [failed("ERROR: Bad Gateway"), failed("ERROR: Bad Gateway"), succeeded("Running")]

    done = run_hook(az)

    assert done.returncode == 0, done.stderr
    assert az.count(FUNCTIONS) == 3
    # The platform's copy of the triggers is renewed each time that the function is missing in it.
    assert az.count(SYNC) == 2
    assert az.count(STATUS) >= 3


def test_key_that_is_not_there_yet_is_awaited(az: FakeAz) -> None:
    """The key exists only once the blob trigger has started: no deployment before that."""
    az.script[KEYS] = [
        succeeded("False"),
        failed("ERROR: InternalServerError from host runtime"),
        succeeded("True"),
    ]

    done = run_hook(az)

    assert done.returncode == 0, done.stderr
    kinds = [next((kind for kind in (KEYS, CREATE) if kind in call), "") for call in az.calls]
    assert [kind for kind in kinds if kind] == [KEYS, KEYS, KEYS, CREATE]


def test_failed_handshake_is_deleted_and_tried_again(az: FakeAz) -> None:
    """A failed handshake leaves a subscription that never recovers."""
    az.script[CREATE] = [HANDSHAKE, HANDSHAKE, succeeded("")]
    az.script[SHOW] = [
        NOT_FOUND,
        shown("Failed"),
        NOT_FOUND,
        shown("Failed"),
        NOT_FOUND,
        shown("Succeeded"),
    ]

    done = run_hook(az)

    assert done.returncode == 0, done.stderr
    assert az.count(CREATE) == 3
    assert az.count(DELETE) == 2
    assert "Response code Unknown" in done.stderr


def test_subscription_left_failed_by_an_earlier_run_is_replaced(az: FakeAz) -> None:
    """It is deleted before the first deployment."""
    az.script[SHOW] = [shown("Failed"), shown("Succeeded")]

    done = run_hook(az)

    assert done.returncode == 0, done.stderr
    kinds = [next((kind for kind in (DELETE, CREATE) if kind in call), "") for call in az.calls]
    assert [kind for kind in kinds if kind] == [DELETE, CREATE]


def test_success_that_is_none_is_not_believed(az: FakeAz) -> None:
    """A deployment may succeed while the subscription is Failed: only its own state counts."""
    az.script[SHOW] = [NOT_FOUND, shown("Failed"), NOT_FOUND, shown("Succeeded")]

    done = run_hook(az)

    assert done.returncode == 0, done.stderr
    assert az.count(CREATE) == 2
    assert az.count(DELETE) == 1


def test_subscription_that_is_being_changed_is_awaited(az: FakeAz) -> None:
    """Nothing is deployed into a running change."""
    az.script[SHOW] = [shown("Updating"), shown("Deleting"), NOT_FOUND, shown("Succeeded")]

    done = run_hook(az)

    assert done.returncode == 0, done.stderr
    assert az.count(CREATE) == 1


def test_throttled_deployment_is_tried_again(az: FakeAz) -> None:
    """Azure's 429 is a matter of time."""
    az.script[CREATE] = [
        failed("ERROR: (TooManyRequests) Too many requests. Please retry after 5 s"),
        succeeded(""),
    ]
    az.script[SHOW] = [NOT_FOUND, NOT_FOUND, NOT_FOUND, shown("Succeeded")]

    done = run_hook(az)

    assert done.returncode == 0, done.stderr
    assert az.count(CREATE) == 2


def test_handshake_that_never_succeeds_fails_loudly_in_bounded_time(az: FakeAz) -> None:
    """The hook ends with the reason and the way on, and says nowhere that it went well."""
    az.script[CREATE] = [HANDSHAKE]
    az.script[SHOW] = [NOT_FOUND]

    done = run_hook(az, SUBSCRIBE_TIMEOUT_SECONDS="1")

    assert done.returncode == 1
    assert "Response code Unknown" in done.stderr
    assert "azd hooks run postdeploy" in done.stderr
    assert "AzureEventGrid" in done.stderr
    assert "subscription.ready" not in done.stderr


def test_wrong_function_name_fails_instead_of_subscribing(az: FakeAz) -> None:
    """The host would take events for any name and drop them as done."""
    az.script[FUNCTIONS] = [succeeded("func-test/another_function")]

    done = run_hook(az, SUBSCRIBE_TIMEOUT_SECONDS="1")

    assert done.returncode == 1
    assert "the function is listed" in done.stderr
    assert az.count(CREATE) == 0


@pytest.mark.parametrize("program", ["subscribe", "check_settings"])
def test_nobody_logged_in_ends_at_once(az: FakeAz, program: str) -> None:
    """The message names the command to run."""
    error = failed("ERROR: Please run 'az login' to setup account.")
    az.script = {"account show": [error], "functionapp config appsettings list": [error]}

    done = run_hook(az, program)

    assert done.returncode == 1
    assert "az login" in done.stderr
    assert len(az.calls) == 1


def test_missing_role_ends_at_once(az: FakeAz) -> None:
    """Trying again would only hide what is missing."""
    az.script[CREATE] = [failed("ERROR: (AuthorizationFailed) The client does not have authorization to ...")]

    done = run_hook(az)

    assert done.returncode == 1
    assert "lacks a role" in done.stderr
    assert az.count(CREATE) == 1


def test_outside_azd_the_missing_variable_is_named(az: FakeAz) -> None:
    """The hook takes its names from azd's environment."""
    done = run_hook(az, APP_FUNCTION_NAME="")

    assert done.returncode == 1
    assert "APP_FUNCTION_NAME is not set" in done.stderr


def test_key_never_meets_the_command_line_or_the_screen(az: FakeAz) -> None:
    """Only whether there is a key leaves the Azure CLI, and no call carries one."""
    done = run_hook(az)

    assert all("`null`" in call for call in az.calls if KEYS in call)
    assert not any("code=" in call for call in az.calls)
    assert "code=" not in done.stderr + done.stdout


def test_each_container_has_a_subscription_of_its_own(az: FakeAz) -> None:
    """All call the one function; which blobs reach it is said by the subscriptions."""
    az.script[SHOW] = [NOT_FOUND, shown("Succeeded"), NOT_FOUND, shown("Succeeded")]

    done = run_hook(
        az,
        APP_CONTAINERS='["landing", "lake"]',
        EVENT_SUBSCRIPTION_NAMES='["blob-to-dag-test", "blob-to-dag-test-x7"]',
    )

    assert done.returncode == 0, done.stderr
    made = [call for call in az.calls if CREATE in call]
    assert ["landingContainer=landing" in call for call in made] == [True, False]
    assert "name=blob-to-dag-test-x7" in made[1]
    assert "landingContainer=lake" in made[1]
    assert all("functionName=blob_to_dag " in call for call in made)
    assert done.stderr.count("subscription.ready") == 2
