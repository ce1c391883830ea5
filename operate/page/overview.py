"""The overview: what waits, is on hold or dead, and whether Airflow answers: `blob-to-dag status`."""

from collections.abc import Iterator
from datetime import datetime

from operate.desk import Desk
from operate.page.frame import alert, badge, facts, hint, lane, link, moment, table
from operate.page.holds import held_by
from operate.page.html import Content, Html, join, tag
from operate.page.request import Answer, Request
from operate.status import LaneStatus, Status, Tally, look


def overview(desk: Desk, _request: Request) -> Answer:
    """Show the status; the head of the page is there while Airflow is still being asked."""
    return Answer(title="Overview", body=_overview(desk))


def _overview(desk: Desk) -> Iterator[Html]:
    found = look(desk)
    now = desk.timing.now()
    for part, why in found.faults.items():
        yield alert(f"{part}: {why}")
    yield _numbers(found, now)
    if found.everything and found.everything.is_held:
        yield tag(
            "section", tag("h2", "Everything is on hold"), held_by(found.everything, now), class_="notice"
        )
    if found.lanes:
        header = ("Route and DAG", "Waiting", "Oldest", "Reasons", "Hold")
        yield join(list(table("What waits, lane by lane", header, (_row(each, now) for each in found.lanes))))
    if found.dead and found.dead.count:
        yield tag("h2", "Dead letters")
        yield tag("p", _reasons("dead", found.dead))
    yield tag("h2", "The app")
    yield facts(_facts(found))
    yield hint(f"As of {now:%Y-%m-%d %H:%M:%S} UTC. ", link("", "Look again"))


def _numbers(found: Status, now: datetime) -> Html:
    waiting = _sum(found.lanes)
    held = [each for each in found.lanes or () if each.state and each.state.is_held]
    airflow = found.airflow
    is_well = airflow is not None and airflow.is_logged_in
    numbers: list[tuple[str, Content, Content, str]] = [
        ("Waiting", link("waiting", waiting), "events", "" if waiting == "0" else "held"),
        (
            "Dead letters",
            link("dead", _count(found.dead)),
            _oldest(found.dead, now),
            "bad" if _is_any(found.dead) else "",
        ),
        ("On hold", link("holds", str(len(held))), "lanes", "held" if held else ""),
        (
            "Airflow",
            airflow.version if is_well and airflow else "?",
            "answers" if is_well else "see above",
            "" if is_well else "bad",
        ),
    ]
    return tag(
        "ul",
        [
            tag(
                "li",
                tag("span", title),
                tag("strong", value),
                tag("small", below),
                class_=f"number {kind}".strip(),
            )
            for title, value, below, kind in numbers
        ],
        class_="numbers",
    )


def _row(each: LaneStatus, now: datetime) -> Html:
    counted = each.waiting
    cells: tuple[Content, ...] = (
        lane(each.route, each.dag_id),
        link("waiting", _count(counted), route=each.route),
        moment(counted.oldest, now),
        _reasons("waiting", counted, each.route),
        held_by(each.state, now),
    )
    return tag("tr", [tag("td", cell) for cell in cells])


def _reasons(place: str, counted: Tally, route: str = "") -> list[Content]:
    kind = "bad" if place == "dead" else ""
    return [
        (link(place, badge(f"{reason or 'new'} {count}", kind), route=route, reason=reason), " ")
        for reason, count in sorted(counted.reasons.items())
    ]


def _facts(found: Status) -> dict[str, Content]:
    airflow = found.airflow
    log_in = "logged in" if airflow and airflow.is_logged_in else "not logged in"
    api = f", API {airflow.api}" if airflow and airflow.api else ""
    return {
        "Airflow": f"{airflow.address}{api}, {log_in}" if airflow else None,
        "Routes": f"{', '.join(found.routes)} (from {found.routes_from})" if found.routes else None,
        "Vault": None if found.vault is None else found.vault or "none: the log-in is in the settings",
    }


def _sum(lanes: tuple[LaneStatus, ...] | None) -> str:
    if lanes is None:
        return "?"
    more = "+" if any(each.waiting.is_more for each in lanes) else ""
    return f"{sum(each.waiting.count for each in lanes):,}{more}"


def _count(counted: Tally | None) -> str:
    return "?" if counted is None else f"{counted.count:,}{'+' if counted.is_more else ''}"


def _oldest(counted: Tally | None, now: datetime) -> Content:
    return ("the oldest ", moment(counted.oldest, now), " old") if counted and counted.oldest else "letters"


def _is_any(counted: Tally | None) -> bool:
    return bool(counted and counted.count)
