"""What goes wrong in the drill: a scene for each alert that is a query."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import BlobLeaseClient, BlobServiceClient

from shared.jobs.row_worker import RowWorker
from tests.alerts.stage import Stage
from tests.support.airflow_server import Exchange

type Act = Callable[[Stage], None]


def _nothing(_: Stage) -> None:
    """Do nothing."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A fault, and how it ends.

    Attributes:
        alert: What fires.
        cause: Brings the fault about.
        minutes: How long it lasts until the alert fires.
        tick: Seconds from one call of the dispatcher to the next.
        files: How many land at each tick.
        outside: What is repaired elsewhere, such as in Airflow itself.
        commands: What those of `az` and `azd` do that the runbook must have, by how they begin.
        look: Minutes without files until somebody asks, so that the dispatcher has told what waits.
        typed: What a person types into the runbook's commands.
        clears: Minutes after which the alert has ended.
    """

    alert: str
    cause: Act
    minutes: float
    tick: float = 120.0
    files: int = 0
    look: float = 6.0
    outside: Act = _nothing
    commands: Mapping[str, Act] = field(default_factory=dict)
    typed: str = ""
    clears: float = 12.0


def _airflow_answers(status: int, body: object, *, path: str = "") -> Act:
    def fault(exchange: Exchange) -> bool:
        if path not in exchange.path:
            return False
        exchange.answer(status, body)
        return True

    return lambda stage: stage.airflow.faults.append(fault)


def _airflow_is_well(stage: Stage) -> None:
    stage.airflow.faults.clear()


def _refuse_password(stage: Stage) -> None:
    def fault(exchange: Exchange) -> bool:
        if exchange.path != "/auth/token" or exchange.body["password"] == "changed":
            return False
        exchange.answer(401, {"detail": "Invalid credentials"})
        return True

    stage.airflow.faults.append(fault)
    stage.restart()


def _set(**settings: str) -> Act:
    def change(stage: Stage) -> None:
        stage.settings |= settings
        stage.restart()

    return change


def _set_back(stage: Stage) -> None:
    stage.settings = dict(stage.deployed)
    stage.azure.vault_status = None
    stage.restart()


def _vault_is_away(stage: Stage) -> None:
    stage.azure.vault_status = 403
    stage.restart()


def _without_dags(stage: Stage) -> None:
    stage.airflow.dags.clear()


def _with_dags(stage: Stage) -> None:
    stage.airflow.dags |= {"load_orders", "load_invoices"}


def _push_bad_routes(stage: Stage) -> None:
    """Have routes in a blob, and then others that somebody wrote there without a check."""
    container = BlobServiceClient.from_connection_string(stage.storage).create_container("airflow-routes")
    good = stage.settings.pop("AIRFLOW_ROUTES")
    (stage.folder / "routes.toml").write_text(good)
    container.upload_blob("routes.toml", good)
    stage.settings["ROUTES_BLOB"] = "airflow-routes/routes.toml"
    stage.deployed = dict(stage.settings)
    stage.restart()
    stage.pass_time(2)
    container.upload_blob("routes.toml", "[[route]", overwrite=True)


def _stop_timer(stage: Stage) -> None:
    stage.is_timer_stopped = True


def _start_timer(stage: Stage) -> None:
    stage.is_timer_stopped = False
    stage.restart()


def _lease(stage: Stage) -> BlobLeaseClient:
    blob = BlobServiceClient.from_connection_string(stage.storage).get_blob_client("airflow-outbox", "drain")
    return BlobLeaseClient(blob)


def _take_lease(stage: Stage) -> None:
    _lease(stage).acquire(-1)


def _break_lease(stage: Stage) -> None:
    _lease(stage).break_lease(0)


def _meet_a_bug(stage: Stage) -> None:
    def prepare(*_: object) -> None:
        raise KeyError

    stage.broken = pytest.MonkeyPatch()
    stage.broken.setattr(RowWorker, "prepare", prepare)


def _former_version(stage: Stage) -> None:
    stage.broken.undo()
    stage.restart()


def _reach_cap(stage: Stage) -> None:
    stage.fired([])
    stage.say("Data collection stopped due to daily limit of free data reached. Ingestion status = OverQuota")
    stage.is_capped = True


def _raise_cap(stage: Stage) -> None:
    stage.is_capped = False
    stage.say("Data collection resumed. Ingestion status = RespectQuota")


def _expire_soon(stage: Stage) -> None:
    stage.azure.expires = int((datetime.now(UTC) + timedelta(days=10, hours=1)).timestamp())
    stage.restart()


def _hold(stage: Stage) -> None:
    stage.operate("hold", "orders", "--why", "maintenance")


def _store_secret(stage: Stage) -> None:
    stage.azure.expires = None
    stage.change_secret(username="admin", password="changed")


REFUSED = _airflow_answers(400, {"detail": "Param 'day' is required"}, path="/dagRuns")
_TYPED = '{"username": "admin", "password": "changed"}'

SCENES = [
    Scene(
        alert="rows-too-old",
        cause=_without_dags,
        minutes=40,
        tick=600,
        files=1,
        outside=_with_dags,
    ),
    Scene(
        alert="told-rows-too-old",
        cause=_hold,
        minutes=25 * 60,
        tick=5 * 3_600,
        files=1,
    ),
    Scene(alert="dead-letter", cause=REFUSED, minutes=5, files=1, outside=_airflow_is_well),
    Scene(
        alert="airflow-down",
        cause=_airflow_answers(503, "<h1>Service Unavailable</h1>"),
        minutes=13,
        files=1,
        outside=_airflow_is_well,
    ),
    Scene(
        alert="log-in-refused",
        cause=_refuse_password,
        minutes=5,
        files=1,
        commands={"az keyvault secret set ": _store_secret},
        typed=_TYPED,
    ),
    Scene(
        alert="vault-unavailable",
        cause=_vault_is_away,
        minutes=8,
        files=1,
        commands={"azd provision": _set_back},
        clears=17,
    ),
    Scene(
        alert="misconfigured",
        cause=_set(AIRFLOW_BASE_URL=""),
        minutes=20,
        files=1,
        commands={"azd provision": _set_back},
        clears=17,
    ),
    Scene(alert="routes-rejected", cause=_push_bad_routes, minutes=5, clears=5),
    Scene(
        alert="no-dispatcher",
        cause=_stop_timer,
        minutes=16,
        commands={"az functionapp restart ": _start_timer},
        clears=6,
    ),
    Scene(
        alert="row-overdue",
        cause=_take_lease,
        minutes=14,
        files=1,
        look=0,
        commands={"az storage blob lease break ": _break_lease, "az functionapp restart ": Stage.restart},
    ),
    Scene(
        alert="invocations-failing",
        cause=_set(
            AzureWebJobsStorage="DefaultEndpointsProtocol=http;AccountName=away;AccountKey=YXdheQ==;"
            "BlobEndpoint=http://127.0.0.1:9/away;QueueEndpoint=http://127.0.0.1:9/away;"
            "TableEndpoint=http://127.0.0.1:9/away"
        ),
        minutes=1,
        files=1,
        look=0,
        commands={"azd provision": _set_back},
        clears=18,
    ),
    Scene(
        alert="app-fault",
        cause=_meet_a_bug,
        minutes=3,
        files=1,
        commands={"azd deploy": _former_version},
        clears=18,
    ),
    Scene(
        alert="daily-cap",
        cause=_reach_cap,
        minutes=20,
        tick=300,
        files=1,
        commands={"azd env set LOG_DAILY_QUOTA_GB ": _nothing, "azd provision": _raise_cap},
    ),
    Scene(
        alert="secret-expires",
        cause=_expire_soon,
        minutes=3,
        files=1,
        commands={"az keyvault secret set ": _store_secret, "az functionapp restart ": Stage.restart},
        typed=_TYPED,
    ),
]

FEED = Scene(
    alert="feed-late",
    cause=_nothing,
    minutes=100,
    tick=300,
    outside=lambda stage: stage.arrive("orders"),
    clears=5,
)
