"""Measures the routes: 1,000 of them and one event, and hostile names. `python -m benchmarks.routes`.

Times are the best of several rounds of one process; the ratios at the end compare numbers of one run, so that
they mean the same on any machine.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from shared.model.blob_event import BlobEvent
from shared.routes.matcher import Subject
from shared.routes.pattern import Pattern, compile_pattern
from shared.routes.reader import read_routes
from shared.routes.table import RouteTable

LAYOUTS = {
    "a container each": "feed{n}/{{name}}.csv",
    "a folder each": "landing/feed{n}/{{day:date:yyyy/MM/dd}}/{{name}}.csv",
    "a folder in the middle": "landing/{{source}}/feed{n}/{{name}}.csv",
    "a double star each": "landing/**/feed{n}/{{name}}.csv",
    "an ending each": "landing/{{name}}.feed{n}",
    "a length each": "landing/" + "{pad}/{{name}}",
}

EVENTS = {
    "a container each": ("feed777", "orders.csv"),
    "a folder each": ("landing", "feed777/2026/11/20/orders.csv"),
    "a folder in the middle": ("landing", "shop/feed777/orders.csv"),
    "a double star each": ("landing", "a/b/c/feed777/orders.csv"),
    "an ending each": ("landing", "orders.feed777"),
    "a length each": ("landing", "x" * 777 + "/orders.csv"),
}

HOSTILE = {
    "32 captures": ("d/" + "-".join(f"{{p{n}}}" for n in range(32)) + "!", "-"),
    "32 paths": ("d/" + "a".join(f"{{p{n}:path}}" for n in range(32)) + "!", "a"),
    "31 double stars": ("d/" + "**/a/" * 30 + "**/*!", "a/"),
    "31 ints": ("d/{p:path}" + "".join(f"1{{p{n}:int}}" for n in range(31)) + "!", "1"),
    "5 dates": ("d/{p:path}" + "".join(f"{{p{n}:date:yyyyMMdd}}" for n in range(5)) + "!", "20111111"),
}
"""A pattern, and what its name is made of, over and over."""


def best_microseconds(call: Callable[[], object], rounds: int = 50) -> float:
    """Return the time of the fastest round."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best * 1e6


def table(match: str, count: int = 1_000) -> RouteTable:
    """Return so many routes of one layout."""
    toml = "".join(
        f'[[route]]\nname = "r{n}"\nmatch = "{match.format(n=n, pad="x" * (n + 1))}"\ndag_id = "dag{n}"\n'
        for n in range(count)
    )
    return read_routes(toml, origin="benchmark")


def match_once(pattern: Pattern, text: str) -> object:
    """Match with nothing kept from the last time."""
    return pattern.match(Subject(text))


def event(container: str, name: str) -> BlobEvent:
    """Return an event for a blob."""
    return BlobEvent(
        account="acct",
        container=container,
        name=name,
        etag="0x1",
        size=1,
        event_time=datetime(2026, 11, 20, tzinfo=UTC),
        url=f"https://acct.blob.core.windows.net/{container}/{name}",
        blob_type="BlockBlob",
    )


def companions(count: int = 1_000) -> RouteTable:
    """Return so many routes that each require another file beside their own, in one folder."""
    toml = "".join(
        f'[[route]]\nname = "r{n}"\nmatch = "landing/{{c}}/{{f}}.feed{n}"\ndag_id = "dag{n}"\n'
        f'requires = "landing/{{c}}/{{f}}.done{n}"\nordered = "{{c}}"\n'
        for n in range(count)
    )
    return read_routes(toml, origin="benchmark")


def main() -> None:
    """Print the numbers."""
    print("1,000 routes, one event that one of them fits (microseconds)")
    for layout, match in LAYOUTS.items():
        routes, blob = table(match), event(*EVENTS[layout])
        if len(routes.match(blob).requests) != 1:
            message = f"{layout}: expected one run"
            raise AssertionError(message)
        hit = best_microseconds(partial(routes.match, blob))
        single = RouteTable([route for route in routes.routes if route.match.match(Subject(blob.path))])
        alone = best_microseconds(partial(single.match, blob))
        print(f"  {layout:24} {hit:8.1f}   the fitting route alone {alone:6.1f}   ratio {hit / alone:5.1f}")
    routes, path = companions(), "landing/acme/orders.done777"
    if len(routes.files_of(path)) != 1:
        message = "expected one file"
        raise AssertionError(message)
    print(f"  {'a companion each':24} {best_microseconds(partial(routes.files_of, path)):8.1f}")
    print("hostile patterns, names of 256, 512 and 1,024 characters that fit (microseconds)")
    for what, (pattern, unit) in HOSTILE.items():
        compiled = compile_pattern(pattern)
        texts = ["d/" + (unit * size)[3 - size :] + "!" for size in (256, 512, 1_024)]
        if any(match_once(compiled, text) is None for text in texts):
            message = f"{what}: expected to fit"
            raise AssertionError(message)
        times = [best_microseconds(partial(match_once, compiled, text)) for text in texts]
        shown = "".join(f"{each:9.1f}" for each in times)
        print(f"  {what:24}{shown}   ratio {times[2] / times[0]:5.1f} (4 is linear)")
    start = time.perf_counter()
    table(LAYOUTS["a folder each"])
    print(f"reading a file of 1,000 routes: {(time.perf_counter() - start) * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
