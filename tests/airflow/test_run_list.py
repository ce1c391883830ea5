"""The list of runs: paged, newest first, in each generation."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from shared.airflow.dialects.base import Dialect, RunFacts, RunsPage
from shared.airflow.request import Flow
from shared.airflow.run_list import ALL_DAGS, list_runs
from shared.model.note import note
from shared.model.run_id import run_id
from tests.airflow.harness import AirflowHarness, run_request
from tests.support.samples import blob_event

NOW = datetime(2026, 11, 21, tzinfo=UTC)
NAMES = [
    "orders/2026/a.csv",
    "Größe & Maß/日本.csv",
    "a`b\n![x](https://evil.example/x.png)",
    "\U0001f600.csv",
]


def asked(
    *pages: RunsPage,
) -> tuple[Callable[[Callable[[Dialect], Flow[RunsPage]]], RunsPage], list[RunsPage]]:
    """Return what answers with these pages, and those that are left."""
    left = list(pages)
    return lambda _operation: left.pop(0), left


def run(name: str, *, hours_ago: float | None = None) -> RunFacts:
    """Return a run that began so long ago, or waits."""
    started = None if hours_ago is None else NOW - timedelta(hours=hours_ago)
    return RunFacts(dag_id="d", run_id=name, state="success", page="/", started=started)


def test_runs_that_wait_do_not_end_the_list() -> None:
    """A queued run has no start: only one that began before shows that the rest is older."""
    first = RunsPage(runs=(run("b4"), run("b3", hours_ago=1), run("x")), next_page="3")
    second = RunsPage(runs=(run("b2"), run("b1", hours_ago=49), run("b0", hours_ago=1)), next_page="6")
    ask, left = asked(first, second, RunsPage(runs=()))

    found = list_runs(ask, "d", prefix="b", since=NOW - timedelta(hours=48))

    assert [each.run_id for each in found] == ["b4", "b3", "b2"]
    assert len(left) == 1


@pytest.mark.airflow
@pytest.mark.timeout(900)
def test_all_runs_are_listed_with_no_more_requests_than_pages(harness: AirflowHarness) -> None:
    """Whatever waits or runs; 1.10 has one page for all, and no conf."""
    client = harness.client()
    sent = [run_request(run_id=f"blob__list~{number}") for number in range(110)]
    for each in sent:
        client.trigger(each)
    requests = 0

    def ask(operation: Callable[[Dialect], Flow[RunsPage]]) -> RunsPage:
        nonlocal requests
        requests += 1
        return client.ask(operation)

    found = list(list_runs(ask, "contract_take", prefix="blob__list~"))

    newest_first = [each.run_id for each in reversed(sent)]
    assert [each.run_id for each in found] == newest_first
    total = len(harness.runs("contract_take"))
    assert requests <= (1 if harness.api == "experimental" else -(-total // 100))
    if harness.api != "experimental":
        assert found[0].conf == {"filename": "a.csv", "size": 0}
        everywhere = list_runs(
            client.ask, ALL_DAGS, prefix="blob__list~", since=datetime.now(UTC) - timedelta(hours=1)
        )
        assert [each.run_id for each in everywhere] == newest_first


@pytest.mark.airflow
@pytest.mark.timeout(900)
@pytest.mark.generations("v1", "v2")
@pytest.mark.parametrize("name", NAMES, ids=["usual", "letters", "markdown", "astral"])
def test_run_says_what_it_is_about(harness: AirflowHarness, name: str) -> None:
    """Its note is kept as it was sent, in the request that creates the run, and its page is there."""
    client = harness.client()
    event = blob_event(name=name, etag=harness.airflow.base_url)
    request = run_request(run_id=run_id(event, route="notes"), note=note(event))
    client.trigger(request)

    found = client.ask(lambda dialect: dialect.find("contract_take", request.run_id))

    assert found is not None
    assert found.note == note(event) != ""
    answer = harness.send("GET", f"../..{found.page}")
    assert answer.ok
    prefix = request.run_id.rpartition("__")[0] + "__"
    assert request.run_id in {each.run_id for each in list_runs(client.ask, "contract_take", prefix=prefix)}


@pytest.mark.airflow
@pytest.mark.timeout(900)
@pytest.mark.generations("v1", "v2")
def test_params_of_a_real_dag_are_read(harness: AirflowHarness) -> None:
    """What has no value must be in the conf."""
    params = harness.client().ask(lambda dialect: dialect.params("contract_params"))

    assert params is not None
    assert params["filename"]["value"] is None
    assert params["filename"]["schema"] == {"type": "string"}
