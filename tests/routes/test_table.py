"""The table of routes: who fires, who does not and why."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model.conf import encode_conf
from shared.model.note import note
from shared.model.run_id import run_id
from shared.model.run_request import RunRequest, WhenPaused
from shared.routes.completeness import DEFAULTS
from shared.routes.matcher import Subject
from shared.routes.reader import read_routes
from shared.routes.table import RouteTable, Skip
from tests.support.samples import MOMENT, blob_event


def table(toml: str, **defaults: Any) -> RouteTable:
    """Return the table of a TOML text."""
    return read_routes(toml, origin="test", **defaults)


def route(name: str, match: str, *more: str, dag_id: str = "load") -> str:
    """Write one route."""
    return "\n".join(
        ["[[route]]", f'name = "{name}"', f'match = "{match}"', f'dag_id = "{dag_id}"', *more, ""]
    )


def ignored(name: str, match: str, *more: str) -> str:
    """Write an exception."""
    return "\n".join(["[[route]]", f'name = "{name}"', f'match = "{match}"', "ignore = true", *more, ""])


ORDERS = route("orders", "landing/orders/**")
CSV = route("csv", "landing/**/{name}.csv", dag_id="csv")
ALL = route("all", "**", dag_id="all")

FIRING = [
    ("each route that matches fires, in the order of the file", ORDERS + CSV + ALL, ["orders", "csv", "all"]),
    ("a route that does not match fires not", route("eu", "landing/eu/**") + CSV, ["csv"]),
    ("stop ends the search", route("orders", "landing/orders/**", "stop = true") + ALL, ["orders"]),
    (
        "stop does nothing on a route that does not fire",
        route("eu", "europe/**", "stop = true") + ALL,
        ["all"],
    ),
    (
        "stop does nothing on a route that a filter keeps",
        route("b", "**", "stop=true", "min_size=9999") + ALL,
        ["all"],
    ),
    ("ignore ends the search with nothing", ignored("not", "landing/orders/**") + ALL, []),
    ("ignore keeps what fired above it", ORDERS + ignored("not", "**") + ALL, ["orders"]),
    ("ignore with a filter is an exception for some", ignored("not", "**", "min_size = 9999") + ALL, ["all"]),
]


@pytest.mark.parametrize(("toml", "names"), [case[1:] for case in FIRING], ids=[case[0] for case in FIRING])
def test_routes_fire_in_order(toml: str, names: list[str]) -> None:
    """Several routes may match: each fires."""
    assert names == [run.route for run in table(toml).match(blob_event()).requests]


def test_each_route_has_its_own_run_id() -> None:
    """The run id is over the blob version and the route's name."""
    event = blob_event()
    plan = table(ORDERS + ALL).match(event)

    assert [run_id(event, route="orders"), run_id(event, route="all")] == [
        run.run_id for run in plan.requests
    ]


def test_id_goes_into_the_run_id_and_survives_a_rename() -> None:
    """The conf shows the name; the id is the name unless it is set."""
    event = blob_event()
    (before,) = table(ORDERS).match(event).requests
    renamed = table(route("sales", "landing/orders/**", 'id = "orders"'))
    (after,) = renamed.match(event).requests

    assert (before.route, before.route_id) == ("orders", "orders")
    assert (after.route, after.route_id, after.conf["route"]) == ("sales", "orders", "sales")
    assert after.run_id == before.run_id


def test_route_is_found_by_its_id() -> None:
    """Not by its name, where the two differ."""
    routes = table(ORDERS + route("new", "**", 'id = "old"'))

    assert [found.name if (found := routes.by_id(key)) else None for key in ("orders", "old", "new")] == [
        "orders",
        "new",
        None,
    ]


SKIPS = [
    ("no route", route("eu", "europe/**"), {}, [("", "no_route")]),
    ("an exception", ignored("not", "**") + ALL, {}, [("not", "ignored")]),
    ("a filter", route("big", "**", "min_size = 9999"), {}, [("big", "min_size")]),
    ("a default", ALL, {"name": ".hidden"}, [("all", "complete.hidden")]),
    ("an exception, complete or not", ignored("not", "**") + ALL, {"name": ".hidden"}, [("not", "ignored")]),
    ("some refuse, one fires", route("big", "**", "min_size = 9999") + ALL, {}, [("big", "min_size")]),
]


@pytest.mark.parametrize(
    ("toml", "facts", "skips"), [case[1:] for case in SKIPS], ids=[case[0] for case in SKIPS]
)
def test_skip_says_which_route_and_why(
    toml: str, facts: dict[str, Any], skips: list[tuple[str, str]]
) -> None:
    """Nothing is dropped without a reason."""
    plan = table(toml).match(blob_event(**facts))

    assert tuple(Skip(route=name, reason=reason) for name, reason in skips) == plan.skipped


def test_request_carries_all_that_the_route_chose() -> None:
    """DAG, conf, date, what to do while paused, and caps of its own."""
    toml = route(
        "orders",
        "landing/{feed}/{day:date:yyyy/MM/dd}.csv",
        'dag_ids = ["load_orders", "load_returns"]',
        'logical_date = "{day}"',
        'when_paused = "hold"',
        "max_runs_per_minute = 30",
        "max_queued_runs = 5",
        'conf = { day = "{day}", feed = "{feed}" }',
        dag_id="load_{feed}",
    )
    event = blob_event()

    (run,) = table(toml).match(event).requests

    assert run == RunRequest(
        dag_id="load_orders",
        run_id=run_id(event, route="orders"),
        conf={
            "day": date(2026, 11, 20),
            "feed": "orders",
            "filename": event.name,
            "container": "landing",
            "size": 1_234,
            "url": event.url,
            "etag": event.etag,
            "event_time": MOMENT,
            "route": "orders",
        },
        route="orders",
        route_id="orders",
        logical_date=datetime(2026, 11, 20, tzinfo=UTC),
        when_paused=WhenPaused.HOLD,
        max_runs_per_minute=30,
        max_queued_runs=5,
        note=note(event),
    )


DATES = [
    ((), {}, None),
    (('logical_date = "event_time"',), {}, MOMENT),
    ((), {"logical_date": "event_time"}, MOMENT),
    (('logical_date = "none"',), {"logical_date": "event_time"}, None),
    (('logical_date = "{hour}"',), {}, datetime(2026, 11, 20, 5, tzinfo=UTC)),
    (('logical_date = "{day}"',), {}, datetime(2026, 11, 1, tzinfo=UTC)),
]


@pytest.mark.parametrize(("more", "defaults", "expected"), DATES)
def test_logical_date_is_the_routes_choice(
    more: tuple[str, ...], defaults: dict[str, Any], expected: datetime | None
) -> None:
    """None, the event's time, or a date in the path; what holds for all is a default."""
    toml = route("a", "landing/{day:date:yyyy-MM}/{hour:date:yyyyMMddHH}", *more)

    (run,) = table(toml, **defaults).match(blob_event(name="2026-11/2026112005")).requests

    assert expected == run.logical_date


def test_paused_dag_default_holds_for_routes_that_do_not_say() -> None:
    """The route's own choice wins."""
    toml = ALL + route("own", "**", 'when_paused = "queue"')

    runs = table(toml, when_paused=WhenPaused.DROP).match(blob_event()).requests

    assert [run.when_paused for run in runs] == [WhenPaused.DROP, WhenPaused.QUEUE]


CHOSEN = [
    ("orders", "load_orders"),
    ("returns", None),
    ("orders_", None),
    ("../orders", None),
    ("Orders", None),
    ("{orders}", None),
]


@pytest.mark.parametrize(("feed", "dag_id"), CHOSEN)
def test_file_name_chooses_only_among_the_listed_dags(feed: str, dag_id: str | None) -> None:
    """A file name can never choose a DAG that no route names."""
    toml = route("feeds", "landing/{feed:path}/x", 'dag_ids = ["load_orders"]', dag_id="load_{feed}")

    plan = table(toml).match(blob_event(name=f"{feed}/x"))

    assert ([dag_id] if dag_id else []) == [run.dag_id for run in plan.requests]
    assert (() if dag_id else (Skip(route="feeds", reason="dag_ids"),)) == plan.skipped


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@settings(max_examples=300, deadline=None)
@given(name=NAMES)
def test_no_file_name_breaks_out_of_its_value(name: str) -> None:
    """Whatever the name: one run of the one DAG, and the conf gives the name back unchanged."""
    toml = route("all", "landing/{name:path}", 'conf = { a = "{name}", b = "<{name}>" }')
    off = "".join(f"complete.{default} = false\n" for default in DEFAULTS)

    (run,) = table(off + toml).match(blob_event(name=name)).requests
    conf = encode_conf(run.conf, max_bytes=100_000)

    assert run.dag_id == "load"
    assert {"a": name, "b": f"<{name}>", "filename": name}.items() <= conf.items()
    assert {"a", "b", *table(ALL).match(blob_event()).requests[0].conf} == set(conf)


SEGMENTS = st.sampled_from(["aaa", "bbb", "aab", "{x}", "{y:int}", "111", "112", "*", "**"])
MATCHES = st.lists(SEGMENTS, min_size=2, max_size=4, unique=True).map("/".join)


@settings(max_examples=200, deadline=timedelta(seconds=2))
@given(
    matches=st.lists(MATCHES, min_size=1, max_size=12),
    path=st.lists(st.sampled_from(["aaa", "bbb", "aab", "111", "112"]), min_size=2, max_size=5).map("/".join),
)
def test_index_finds_the_routes_that_a_search_of_all_finds(matches: list[str], path: str) -> None:
    """The index is only faster."""
    routes = table("".join(route(f"r{index}", match) for index, match in enumerate(matches)))
    container, _, name = path.partition("/")
    event = blob_event(container=container, name=name)
    expected = [each.name for each in routes.routes if each.match.match(Subject(path)) is not None]

    assert expected == [run.route for run in routes.match(event).requests]
    assert expected == [verdict.route.name for verdict in routes.explain(event) if verdict.fires]


def test_route_without_parts_fires_once_beside_longer_ones() -> None:
    """A pattern may be one blob's whole path."""
    toml = route("one", "landing/a") + route("two", "landing/a/b") + route("three", "landing/a/b/c")

    assert [run.route for run in table(toml).match(blob_event(name="a")).requests] == ["one"]


def test_thousand_routes_find_their_one() -> None:
    """Each blob of 1,000 feeds starts its own DAG and no other."""
    routes = table(
        "".join(route(f"r{n}", f"landing/feed{n}/{{name}}", dag_id=f"dag{n}") for n in range(1_000))
    )

    assert [
        [run.dag_id for run in routes.match(blob_event(name=f"feed{n}/x")).requests] for n in (0, 7, 77, 999)
    ] == [["dag0"], ["dag7"], ["dag77"], ["dag999"]]
