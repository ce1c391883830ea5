"""A row can start only what a route allows; a run that may have been sent is found all the same."""

from dataclasses import replace

from shared.model.errors import AirflowUnclear
from shared.model.pending import Target
from tests.support.fakes import routes
from tests.support.harness import AIRFLOW_URL, DEFAULT, OutboxHarness

OTHER = routes('[[route]]\nname = "other"\nmatch = "elsewhere/**"\ndag_id = "d"\n')
SENT = frozenset({Target(dag_id=DEFAULT.dag_id, airflow=AIRFLOW_URL)})


def test_row_whose_route_is_gone_is_never_sent() -> None:
    """Or whoever can write a row could start any DAG with it."""
    harness = OutboxHarness(OTHER)
    harness.park("a")
    [row] = harness.outbox.rows(DEFAULT.key, most=1)
    assert row.pending is not None
    harness.outbox.park(replace(row.pending, sent_to=SENT))

    harness.pass_time(3_600)

    assert harness.airflow.calls == []
    state = harness.state()
    assert state is not None
    assert state.hold is not None
    assert state.hold.reason == "route_missing"


def test_run_that_may_have_been_sent_is_found_although_its_route_is_gone() -> None:
    """It was created, only its answer was lost."""
    harness = OutboxHarness()

    def answer(run: object) -> None:
        harness.airflow.create(run)  # type: ignore[arg-type]
        msg = "the answer is lost"
        raise AirflowUnclear(msg)

    harness.airflow.answer = answer
    harness.arrive("a")
    posts = len(harness.airflow.calls)

    harness.change_routes(OTHER)
    harness.pass_time(600)

    assert (harness.waiting, harness.dead) == ([], [])
    assert len(harness.airflow.calls) == posts


def test_route_that_comes_back_sends_what_waited_for_it() -> None:
    """A rename by mistake costs minutes, no file."""
    harness = OutboxHarness()
    harness.park("a", "b")
    harness.change_routes(OTHER)
    harness.pass_time(600)

    harness.change_routes(routes())
    harness.pass_time(600)

    assert len(harness.airflow.runs) == 2
    assert harness.waiting == []


def test_row_gets_our_own_address_whatever_it_says() -> None:
    """A DAG must not be sent to the host that somebody wrote into a row."""
    harness = OutboxHarness()
    harness.park("a", url="https://evil.example/landing/a")

    harness.drain()

    [run] = harness.airflow.runs.values()
    assert run.conf["url"] == "https://acct.blob.core.windows.net/landing/a"


def test_row_of_another_account_is_a_dead_letter() -> None:
    """It cannot have come from what is watched."""
    harness = OutboxHarness()
    harness.park("a", account="other")

    harness.drain()

    assert harness.airflow.calls == []
    assert [letter["reason"] for letter in harness.dead] == ["not_watched"]
