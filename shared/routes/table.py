"""`RouteTable`: a blob event in, the runs that it should start out. Pure: no clock, no I/O."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol

from shared.model.blob_event import BlobEvent
from shared.model.run_request import RunRequest
from shared.routes.completeness import Api
from shared.routes.filters import is_headed
from shared.routes.matcher import Subject
from shared.routes.requirement import Requirement
from shared.routes.route import Route
from shared.routes.self_test import SelfTest

NO_ROUTE = "no_route"
IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Why a route whose `match` fits starts nothing.

    Attributes:
        route: Its name; empty where the `match` of no route fits.
        reason: `no_route`, `ignored`, `dag_ids`, `complete.<default>`, or a filter's key (`min_size`, …).
    """

    route: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The result for one event: a request for each route that fires, and why others do not.

    With no requests there is at least one skip.
    """

    requests: tuple[RunRequest, ...]
    skipped: tuple[Skip, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of one route for one event.

    Attributes:
        route: The route.
        captures: The named captures; None where `match` does not fit.
        refusal: As in `Skip`; None where the route fires.
    """

    route: Route
    captures: dict[str, object] | None
    refusal: str | None = None

    @property
    def fires(self) -> bool:
        """Tell whether the route starts a run."""
        return self.captures is not None and self.refusal is None


class Routes(Protocol):
    """Where the routes come from that are in force now."""

    def current(self) -> "RouteTable":
        """Return them; an event goes by one table from its beginning to its end."""


class RouteTable:
    """The routes in their order, compiled once; safe to share between threads.

    Attributes:
        routes: The routes.
        watch: The containers that the file says to watch; empty where it does not say.
        tests: The tests of the file.
    """

    def __init__(
        self, routes: Sequence[Route], *, watch: Sequence[str] = (), tests: Sequence[SelfTest] = ()
    ) -> None:
        self.routes = tuple(routes)
        self.watch = tuple(watch)
        self.tests = tuple(tests)
        by_head: dict[str, list[int]] = defaultdict(list)
        for index, route in enumerate(self.routes):
            by_head[route.match.head].append(index)
        self._by_head = dict(by_head)
        self._by_id = {route.id: route for route in self.routes}
        self._head_lengths = sorted({len(head) for head in by_head})
        self._companions: dict[str, list[tuple[Route, Requirement, str, str]]] = defaultdict(list)
        for route in self.routes:
            for requirement in route.requires:
                companion = requirement.companion
                texts = (companion.tail, companion.inner)
                self._companions[companion.head].append((route, requirement, *texts))
        self._companion_heads = sorted({len(head) for head in self._companions})
        self._texts = [(route.match.tail, route.match.inner) for route in self.routes]

    def current(self) -> "RouteTable":
        """Return the table itself, which never changes; see `Routes`."""
        return self

    def match(self, event: BlobEvent, *, api: Api = None) -> Plan:
        """Return the runs that the event should start.

        Facts that the event lacks refuse nothing: if `needs_head` says so, read them first. `api` is
        `data.api` of an Event Grid event: a fact of the delivery, not of the blob.

        Raises:
            CopyPending: The blob is still being copied; nothing is to be sent for any route yet.
        """
        requests: list[RunRequest] = []
        skipped: list[Skip] = []
        for verdict in self._verdicts(event, api, self._candidates(event.path)):
            if verdict.captures is not None and verdict.refusal is None:
                requests.append(verdict.route.request(event, verdict.captures))
            elif verdict.refusal is not None:
                skipped.append(Skip(route=verdict.route.name, reason=verdict.refusal))
        if not requests and not skipped:
            skipped.append(Skip(route="", reason=NO_ROUTE))
        return Plan(requests=tuple(requests), skipped=tuple(skipped))

    def files_of(self, path: str) -> list[tuple[Route, str]]:
        """Return the files that may wait for this blob, each as `container/name` with its route."""
        return [
            (route, file)
            for length in self._companion_heads
            for route, requirement, tail, inner in self._companions.get(path[:length], ())
            if path.endswith(tail) and inner in path and (file := requirement.file_of(path)) is not None
        ]

    def by_id(self, route_id: str) -> Route | None:
        """Return the route with this id, or None."""
        return self._by_id.get(route_id)

    def test_failures(self) -> list[tuple[SelfTest, str]]:
        """Run the tests of the file; return those that fail, each with how."""
        results = [(test, test.failure(lambda event: self.match(event).requests)) for test in self.tests]
        return [(test, failure) for test, failure in results if failure is not None]

    def owner_of(self, route_id: str) -> str:
        """Return who looks after the route with this id; empty where nobody is named."""
        route = self.by_id(route_id)
        return route.owner if route else ""

    def needs_head(self, event: BlobEvent, *, api: Api = None) -> bool:
        """Tell whether a route that may fire needs facts that only a `HEAD` of the blob gives."""
        if is_headed(event):
            return False
        subject = Subject(event.path)
        for route in self._candidates(event.path):
            captures = route.match.match(subject)
            if captures is None or route.refusal(event, captures, api) is not None:
                continue
            if route.needs_head(event, api):
                return True
            if route.stop or route.ignore:
                return False
        return False

    def explain(self, event: BlobEvent, *, api: Api = None) -> list[Verdict]:
        """Return the verdict of every route up to one that ends the search, in their order.

        Raises:
            CopyPending: As `match`.
        """
        return list(self._verdicts(event, api, self.routes))

    def _verdicts(self, event: BlobEvent, api: Api, routes: Iterable[Route]) -> Iterator[Verdict]:
        subject = Subject(event.path)
        for route in routes:
            captures = route.match.match(subject)
            refusal = None if captures is None else route.refusal(event, captures, api)
            if captures is not None and refusal is None and route.ignore:
                yield Verdict(route=route, captures=captures, refusal=IGNORED)
                return
            yield Verdict(route=route, captures=captures, refusal=refusal)
            if captures is not None and refusal is None and route.stop:
                return

    def _candidates(self, path: str) -> Iterator[Route]:
        """Return the routes whose fixed texts the path has: all that can match, and few that do not."""
        found: list[int] = []
        for length in takewhile(len(path).__ge__, self._head_lengths):
            found += self._by_head.get(path[:length], ())
        for index in sorted(found):
            tail, inner = self._texts[index]
            if path.endswith(tail) and inner in path:
                yield self.routes[index]
