"""What `check` warns of: allowed, but probably not meant."""

import re
import time
from pathlib import Path

import pytest

from shared.routes.cautions import cautions
from shared.routes.matcher import Subject
from shared.routes.pattern import compile_pattern
from shared.routes.reader import read_routes
from shared.routes.samples import sample_paths

ROOT = Path(__file__).parents[2]


def route(name: str, match: str, *more: str) -> str:
    """Return a route."""
    lines = [f'name = "{name}"', f'match = "{match}"', *more]
    if not any(line.startswith(("dag_id", "ignore")) for line in more):
        lines.append('dag_id = "load"')
    return "[[route]]\n" + "\n".join(lines) + "\n"


def warnings(toml: str, *watched: str) -> list[str]:
    """Return what is odd, as `check` prints it."""
    return [str(caution) for caution in cautions(read_routes(toml, origin="test"), watched)]


STOP, IGNORE = "stop = true", "ignore = true"
FEEDS = 'dag_id = "load_{feed}"'

TEXT = (Path(__file__).parent / "warnings.md").read_text(encoding="utf-8")
ODD = re.findall(r"^## (.+)\n\n```toml\n([^`]+)```\n\n> (.+)$", TEXT, re.MULTILINE)


@pytest.mark.parametrize(("toml", "text"), [odd[1:] for odd in ODD], ids=[odd[0] for odd in ODD])
def test_odd_route_is_named_with_what_was_probably_meant(toml: str, text: str) -> None:
    """One warning, with the line, the route and the remedy."""
    assert len(ODD) == TEXT.count("## ") == 10
    assert warnings(toml, "landing") == [text]


MEANT = {
    "a container that is watched": route("lake", "lake/**"),
    "any container": route("any", "{container}/in/*"),
    "a companion in a container that is watched": route(
        "data", "landing/{file}", 'requires = "lake/{file}.done"'
    ),
    "a companion beside its file, wherever that is": route(
        "data", "{container}/{file}.csv", 'requires = "{container}/{file}.done"'
    ),
    "a stop above with a filter": route("big", "landing/**", STOP, "min_size = 9")
    + route("all", "landing/**"),
    "a stop above that takes some": route("csv", "landing/*.csv", STOP) + route("all", "landing/*"),
    "a stop above whose defaults refuse some": (
        route("all", "landing/**", STOP) + route("hidden", "landing/**", "complete = { hidden = false }")
    ),
    "a stop above that names some DAGs": (
        route("feeds", "landing/{feed}/**", FEEDS, 'dag_ids = ["load_orders"]', STOP)
        + route("all", "landing/orders/**")
    ),
    "a stop above with a table": (
        route("feeds", "landing/{feed}/**", 'dag_by = "{feed}"', 'dag_id = { a = "b" }', STOP)
        + route("all", "landing/orders/**")
    ),
    "a date above, a name below": (
        route("day", "landing/{day:date}", STOP) + route("name", "landing/{name}")
    ),
    "a deeper folder below": route("flat", "landing/{name}", STOP) + route("deep", "landing/**"),
    "a catch-all above that stops nothing": route("log", "landing/**") + route("orders", "landing/orders/**"),
    "an ignore for a later route": (
        route("log", "landing/**") + route("not", "landing/archive/**", IGNORE) + route("rest", "landing/**")
    ),
    "brackets that are written out": route("b", "landing/{name}", 'conf = { a = "{{other}} {name}" }'),
}


@pytest.mark.parametrize("toml", MEANT.values(), ids=MEANT)
def test_route_that_may_be_meant_so_is_left_alone(toml: str) -> None:
    """A warning that is wrong teaches people to pass over all of them."""
    assert warnings(toml, "landing", "lake") == []


def test_shipped_example_has_no_warning() -> None:
    """It is what people copy."""
    assert warnings((ROOT / "routes.toml.example").read_text(encoding="utf-8"), "landing") == []


PATTERNS = [
    "**",
    "landing/**",
    "landing/**/{name}.csv",
    "{container}/{a}-{n:int}/{rest:path}.csv",
    "landing/{day:date:year=yyyy/month=M/day=d}/{at:date:yyyyMMddTHHmmss}/*",
    "**/raw/**/*_x{y}",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_sample_paths_fit_their_pattern(pattern: str) -> None:
    """What is made up to compare patterns is of the pattern, and there are several."""
    compiled = compile_pattern(pattern)
    paths = sample_paths(compiled)

    assert [path for path in paths if compiled.match(Subject(path)) is None] == []
    assert len(paths) >= 3


def test_thousand_routes_are_checked_within_seconds() -> None:
    """Each against all above it, where that can matter."""
    toml = "".join(route(f"r{n}", f"landing/f{n}/**", STOP) for n in range(1_000))
    table = read_routes(toml, origin="test")
    start = time.perf_counter()

    assert cautions(table, ("landing",)) == []
    assert time.perf_counter() - start < 10
