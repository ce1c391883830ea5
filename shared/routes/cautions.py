"""`cautions`: what in a file of routes is allowed, but was probably not meant."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.model.container import is_container
from shared.routes.filters import Filters
from shared.routes.hints import container_of
from shared.routes.matcher import Capture, Int, Moment, Subject
from shared.routes.route import Route
from shared.routes.samples import sample_paths
from shared.routes.table import RouteTable
from shared.routes.template import FIELDS, Template, templates

_GLOB = re.compile(r"\?|\[[^\[\]/]*\]")


@dataclass(frozen=True, slots=True)
class Caution:
    """Something in a route that was probably not meant.

    Attributes:
        route: The route.
        text: What is odd, and what was probably meant.
    """

    route: Route
    text: str

    def __str__(self) -> str:
        return f"line {self.route.line}, route {self.route.name!r}: {self.text}"


def cautions(table: RouteTable, watched: Collection[str] = ()) -> list[Caution]:
    """Return what is odd, in the order of the routes.

    Args:
        table: The routes.
        watched: The containers whose events reach the app; empty if that is not known.
    """
    paths = {route.id: sample_paths(route.match) for route in table.routes}
    return [
        Caution(route, text)
        for index, route in enumerate(table.routes)
        for text in (
            *_watched(route, watched),
            *_companions(route, watched),
            *_glob(route),
            *_order(route, table.routes[:index], table.routes[index + 1 :], paths),
            *_dags(route),
            *_braces(route),
        )
    ]


def _watched(route: Route, watched: Collection[str]) -> Iterator[str]:
    container = container_of(route.match.text)
    if watched and is_container(container) and container not in watched:
        yield (
            f"the container {container!a} is not watched, so the route never fires; watched: "
            f"{', '.join(sorted(watched))} ([landing] watch in the file, or LANDING_PATH)"
        )


def _companions(route: Route, watched: Collection[str]) -> Iterator[str]:
    for text in (requirement.companion.text for requirement in route.requires):
        container = container_of(text)
        if watched and is_container(container) and container not in watched:
            yield (
                f"requires = {text!a} is in the container {container!a}, which is not watched: no "
                "event tells of it, and a file that comes first waits for requires_within; add it to "
                "[landing] watch"
            )


def _glob(route: Route) -> Iterator[str]:
    if found := _GLOB.search(route.match.text):
        yield (
            f"{found[0]} in match stands for itself, in a pattern as in a name; "
            "write * or a capture such as {n:int} if any character is meant"
        )


def _order(
    route: Route, above: Sequence[Route], below: Sequence[Route], paths: Mapping[str, list[str]]
) -> Iterator[str]:
    mine = paths[route.id]
    for other in above:
        if not (other.stop or other.ignore or route.ignore) or not mine[0].startswith(other.match.head):
            continue
        if not _takes_all(other, route, mine):
            continue
        if other.stop or other.ignore:
            how = "ignores" if other.ignore else "stops at"
            yield f"it can never be reached: route {_at(other)} {how} every blob that it matches"
            return
        if route.ignore and not any(_overlaps(route, each, paths) for each in below):
            yield (
                f"it keeps nothing from starting: route {_at(other)} has started a run of every blob that it "
                "matches; put it above"
            )
            return


def _at(route: Route) -> str:
    return f"{route.name!r} (line {route.line})"


def _takes_all(other: Route, route: Route, paths: Sequence[str]) -> bool:
    """Tell whether a route fires for (or ignores) whatever another one may fire for."""
    if other.filters != Filters() or other.dags or other.dag_ids:
        return False
    if not other.ignore and not set(other.complete) <= set(route.complete) and not route.ignore:
        return False
    return all(other.match.match(Subject(path)) is not None for path in paths)


def _overlaps(route: Route, other: Route, paths: Mapping[str, list[str]]) -> bool:
    return any(other.match.match(Subject(path)) is not None for path in paths[route.id]) or any(
        route.match.match(Subject(path)) is not None for path in paths[other.id]
    )


def _dags(route: Route) -> Iterator[str]:
    if route.dag_id is None or not route.dag_ids:
        return
    captures = route.match.captures
    forms = [_form(captures[name]) for name in route.dag_id.names]
    texts = [text for text, _ in route.dag_id.tokens]
    regex = "".join(
        re.escape(text) + (f"(?:{form})" if form else "")
        for text, form in zip(texts, [*forms, ""], strict=True)
    )
    if never := sorted(dag_id for dag_id in route.dag_ids if not re.fullmatch(regex, dag_id)):
        template = "".join(text + (f"{{{name}}}" if name else "") for text, name in route.dag_id.tokens)
        yield f"dag_ids has {', '.join(never)}, which no name can give: dag_id is {template!a}"


def _form(capture: Capture) -> str:
    """Return the values of a capture in a DAG id, as a regular expression."""
    match capture:
        case Int():
            return "0|[1-9][0-9]*"
        case Moment():
            return "[0-9]{4}-[0-9]{2}-[0-9]{2}.*"
    return ".+"


def _braces(route: Route) -> Iterator[str]:
    names = {*route.match.captures, *(f"event.{field}" for field in FIELDS)}
    for template in templates(dict(route.conf)):
        for name in _literal_names(template):
            if name.strip() in names:
                bare = f"{{{name.strip()}}}"
                yield f"{{{{{name}}}}} in conf is the text {{{name}}} as it is; write {bare} for the value"


def _literal_names(template: Template) -> Iterator[str]:
    for text, _ in template.tokens:
        yield from re.findall(r"\{([^{}]*)\}", text)
