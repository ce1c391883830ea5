"""The run id: accepted by Airflow, stable, one for each version and route."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.run_id import MAX_LENGTH, run_id
from tests.support.samples import blob_event

# airflow/config_templates/config.yml of 3.3.2: [scheduler] allowed_run_id_pattern.
AIRFLOW_PATTERN = re.compile(r"^[A-Za-z0-9_.~:+-]+$")
# airflow/utils/types.py, DagRunType, of 1.10 to 3.3.2: ids with these prefixes are refused or mistaken.
RESERVED = (
    "scheduled__", "manual__", "backfill__", "backfill_", "dataset_triggered__", "asset_triggered__",
    "asset_materialization__", "operator_triggered__", "trig__",
)  # fmt: skip
GOLDEN = json.loads(Path(__file__).with_name("golden_run_ids.json").read_text(encoding="utf-8"))

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=1024)
HOSTILE = st.sampled_from(
    [
        "..", "../../etc/passwd", "a/../b", ".", "....", "a..b", "'; DROP TABLE x; --", '"quoted".csv',
        "line\nbreak", "tab\t", "a%2Fb", "a%252Fb", "scheduled__2026-01-01", "manual__", "🧨.csv",
        "u\u0308ber.csv", "über.csv", " ", "/", "x" * 1024, "é" * 1024, "{{ conf }}", "$(id)", "\u202e",
    ]
)  # fmt: skip


@given(name=TEXTS | HOSTILE, etag=TEXTS, route=TEXTS)
def test_any_name_gives_an_id_that_airflow_accepts(name: str, etag: str, route: str) -> None:
    """Airflow's own pattern, no `..`, no reserved prefix, and short enough for every database."""
    found = run_id(blob_event(name=name, etag=etag), route=route)

    assert AIRFLOW_PATTERN.match(found)
    assert ".." not in found
    assert not found.startswith(RESERVED)
    assert len(found) <= MAX_LENGTH


@given(
    one=st.tuples(TEXTS | HOSTILE, TEXTS, TEXTS),
    other=st.tuples(TEXTS | HOSTILE, TEXTS, TEXTS),
)
def test_ids_are_equal_only_for_equal_versions_and_routes(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    """Stable for the same, different for anything else."""
    ids = [run_id(blob_event(container=c, name=n, etag=e), route="r") for c, n, e in (one, other, one)]

    assert ids[0] == ids[2]
    assert (ids[0] == ids[1]) == (one == other)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"container": "ab", "name": "c"}, {"container": "a", "name": "bc"}),
        ({"name": "u\u0308.csv"}, {"name": "ü.csv"}),
        ({"name": "a/b"}, {"name": "a~b"}),
        ({"name": "a b"}, {"name": "a_b"}),
        ({"etag": "1"}, {"etag": "2"}),
        ({"account": "a"}, {"account": "b"}),
    ],
)
def test_twins_stay_two(left: dict[str, str], right: dict[str, str]) -> None:
    """Names that look or join alike are different blobs."""
    assert run_id(blob_event(**left), route="r") != run_id(blob_event(**right), route="r")


def test_route_is_part_of_the_id() -> None:
    """Two routes for one blob are two runs, even of the same DAG."""
    assert run_id(blob_event(), route="one") != run_id(blob_event(), route="two")


def test_facts_that_are_not_identity_leave_the_id_alone() -> None:
    """A source that has more or fewer facts about the same version starts the same run."""
    rich = blob_event(size=9, content_type="text/csv", url="http://127.0.0.1:1/acct/x", sequencer="1")

    assert run_id(blob_event(), route="r") == run_id(rich, route="r")


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["run_id"][:40])
def test_golden_ids_never_change(case: dict[str, str]) -> None:
    """An app that is updated must know the runs that its last version started."""
    event = blob_event(**{key: case[key] for key in ("account", "container", "name", "etag")})

    assert case["run_id"] == run_id(event, route=case["route"])
