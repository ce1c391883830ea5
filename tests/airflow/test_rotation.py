"""Credentials change in Key Vault and in Airflow, in either order, while events flow."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.airflow.client import AirflowClient
from shared.event_log import EventLog
from shared.model.errors import CredentialsRefused, Forbidden
from tests.airflow.harness import run_request, vault_client
from tests.key_vault.azure import Azure
from tests.support.airflow_server import AirflowServer, Exchange, airflow_server

CANARY = "canary-3f9a"


class Locks:
    """Airflow's side of the log-in: which password and which token let in."""

    def __init__(self, server: AirflowServer, *, status: int = 401) -> None:
        self.password = f"{CANARY}-one"
        self.tokens = {f"{CANARY}-token"}
        self.status = status
        self.log_ins = 0
        self.refusals = 0
        server.faults.append(self.check)

    def check(self, exchange: Exchange) -> bool:
        """Answer a log-in, and refuse what is not let in."""
        if exchange.path == "/auth/token":
            self.log_ins += 1
            if exchange.body["password"] != self.password:
                exchange.answer(401, {"detail": f"Invalid credentials {exchange.body}"})
                return True
            token = f"{CANARY}-jwt-{self.log_ins}"
            self.tokens.add(token)
            exchange.answer(201, {"access_token": token})
            return True
        given = exchange.handler.headers.get("Authorization", "").removeprefix("Bearer ")
        if exchange.path.endswith("/version") or given in self.tokens:
            return False
        self.refusals += 1
        exchange.answer(
            self.status, {"detail": "Invalid JWT token" if self.status == 403 else "Token Expired"}
        )
        return True


def pair(password: str) -> str:
    """Return the secret."""
    return json.dumps({"username": "app", "password": password})


def flow(client: AirflowClient, count: int) -> list[str]:
    """Send events from many threads at once; none may fail."""
    runs = [run_request(dag_id="copy_file") for _ in range(count)]
    with ThreadPoolExecutor(8) as pool:
        return [delivery.value for delivery in pool.map(client.trigger, runs)]


def test_changed_password_fails_no_event_whichever_side_is_first(azure: Azure) -> None:
    """In the vault and then in Airflow, and the other way round."""
    azure.put("airflow-credentials", pair(f"{CANARY}-one"))
    with airflow_server() as server:
        locks = Locks(server)
        client = vault_client(server, azure, EventLog(), cache=0)
        before = flow(client, 20)
        azure.put("airflow-credentials", pair(f"{CANARY}-two"))
        vault_first = flow(client, 20)
        locks.password = f"{CANARY}-two"
        locks.tokens.clear()
        after = flow(client, 20)

        assert before == vault_first == after == ["created"] * 20
        assert locks.log_ins == 2


def test_password_changed_at_both_sides_is_found_by_the_refusal(azure: Azure) -> None:
    """Within the lifetime of what was read: the refused log-in makes the app read the secret again."""
    azure.put("airflow-credentials", pair(f"{CANARY}-one"))
    with airflow_server() as server:
        locks = Locks(server)
        client = vault_client(server, azure, EventLog())
        before = flow(client, 5)
        locks.password = f"{CANARY}-two"
        locks.tokens.clear()
        azure.put("airflow-credentials", pair(f"{CANARY}-two"))
        time.sleep(1.1)
        after = flow(client, 20)

        assert before + after == ["created"] * 25
        assert locks.log_ins == 3
        assert azure.requests["secret"] == 2


def test_changed_token_fails_no_event_whichever_side_is_first(azure: Azure) -> None:
    """A fixed token that Airflow does not know yet: the one that worked last goes on working."""
    azure.put("airflow-credentials", f"{CANARY}-token")
    with airflow_server() as server:
        locks = Locks(server)
        client = vault_client(server, azure, EventLog(), cache=0, AIRFLOW_AUTH="bearer")
        before = flow(client, 20)
        azure.put("airflow-credentials", f"{CANARY}-second")
        vault_first = flow(client, 20)
        refused_once = locks.refusals
        locks.tokens = {f"{CANARY}-second"}
        time.sleep(1.1)
        after = flow(client, 20)

        assert before == vault_first == after == ["created"] * 20
        assert 1 <= refused_once <= 8
        assert not locks.log_ins


@pytest.mark.parametrize("status", [401, 403])
def test_hundred_threads_with_a_refused_token_log_in_once(azure: Azure, status: int) -> None:
    """One log-in at a time, and one for all who need it."""
    azure.put("airflow-credentials", pair(f"{CANARY}-one"))
    with airflow_server() as server:
        locks = Locks(server, status=status)
        client = vault_client(server, azure, EventLog(), PYTHON_THREADPOOL_THREAD_COUNT="100")
        flow(client, 1)
        locks.tokens.clear()
        with ThreadPoolExecutor(100) as pool:
            runs = [run_request(dag_id="copy_file") for _ in range(100)]
            done = [delivery.value for delivery in pool.map(client.trigger, runs)]

        assert done == ["created"] * 100
        assert locks.log_ins == 2


def test_wrong_password_hammers_neither_airflow_nor_the_vault(azure: Azure) -> None:
    """Events are parked meanwhile; one log-in and one look into the vault in a while."""
    azure.put("airflow-credentials", pair(f"{CANARY}-wrong"))
    with airflow_server() as server:
        locks = Locks(server)
        client = vault_client(server, azure, EventLog(), refusal_pause=60)
        for _ in range(20):
            with pytest.raises(CredentialsRefused):
                client.trigger(run_request(dag_id="copy_file"))

        assert locks.log_ins == 1
        assert azure.requests["secret"] == 1


def test_role_without_permission_does_not_log_in_each_time(azure: Azure) -> None:
    """403 can mean that a good token lacks a permission: one new log-in in a while, other DAGs go on."""
    azure.put("airflow-credentials", pair(f"{CANARY}-one"))
    with airflow_server(dags={"copy_file", "other"}) as server:
        locks = Locks(server)
        client = vault_client(server, azure, EventLog(), refusal_pause=60)

        def forbid(exchange: Exchange) -> bool:
            if "/other/" in exchange.path:
                exchange.answer(403, {"detail": "Forbidden"})
            return "/other/" in exchange.path

        server.faults.insert(0, forbid)
        for _ in range(10):
            with pytest.raises(Forbidden, match="role"):
                client.trigger(run_request(dag_id="other"))
            client.trigger(run_request(dag_id="copy_file"))

        assert locks.log_ins == 2
