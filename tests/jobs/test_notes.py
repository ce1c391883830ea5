"""What the note of a run says after its event has waited."""

from shared.model.errors import AirflowUnclear, AirflowUnreachable
from tests.support.harness import FakeAirflow, OutboxHarness, failing, well


def test_note_says_how_long_a_file_waited_and_why() -> None:
    """The files that waited behind it say so, too."""
    harness = OutboxHarness(airflow=FakeAirflow(answer=failing(AirflowUnreachable("No route to host."))))
    harness.airflow.down = AirflowUnreachable("No route to host.")
    harness.arrive("a.csv", "b.csv")
    harness.pass_time(600)
    harness.airflow.answer, harness.airflow.down = well, None
    harness.pass_time(60)

    notes = {run.conf["filename"]: run.note for run in harness.airflow.runs.values()}
    assert notes["a.csv"].startswith("`landing/a.csv`, 1.2 kB, 2026-11-20 06:00:00 UTC. Waited 10 min (")
    assert "airflow_unreachable: `No route to host.`" in notes["a.csv"]
    assert "Waited 10 min (on_hold: `On hold (everything): No route to host.`)." in notes["b.csv"]


def test_file_that_waited_for_nothing_says_nothing_of_it() -> None:
    """Live, or through the outbox because of a cap."""
    harness = OutboxHarness(AIRFLOW_MAX_RUNS_PER_MINUTE="600")
    harness.arrive("a.csv")

    (run,) = harness.airflow.runs.values()
    assert run.note == "`landing/a.csv`, 1.2 kB, 2026-11-20 06:00:00 UTC."


def test_run_that_is_never_answered_clearly_is_sent_without_a_note() -> None:
    """A database that cannot store the note answers like one that is down."""

    def answer(run: object) -> None:
        if getattr(run, "note", ""):
            msg = "500"
            raise AirflowUnclear(msg)

    harness = OutboxHarness(airflow=FakeAirflow(answer=answer))
    harness.arrive("a.csv")
    harness.pass_time(3 * 3_600)

    (run,) = harness.airflow.runs.values()
    assert (run.conf["filename"], run.note) == ("a.csv", "")
