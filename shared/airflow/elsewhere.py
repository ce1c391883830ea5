"""`find_elsewhere`: where Airflow is, if it is not at AIRFLOW_BASE_URL; for the message."""

from http import HTTPStatus
from urllib.parse import urlsplit

from shared.airflow.http import AirflowHttp
from shared.airflow.request import Request
from shared.airflow.response import Response
from shared.model.errors import RetryableError

_VERSIONS = ("/api/v2/version", "/api/v1/version")
_PAGES = ("/home", "/login", "/auth/login")
_MISPLACED = "Apache Airflow is not at this location"
"""What Airflow 2 and 1.10 answer outside the path of their own `base_url`."""

_MOST_PARENTS = 3


def find_elsewhere(http: AirflowHttp) -> str:
    """Return a sentence with what to write instead, or an empty one. Sends no credentials; never raises."""
    try:
        front = http.send(Request(method="GET", path="/"))
        candidates = [*_redirect_bases(front), *_parents(http.base_url)]
        for candidate in dict.fromkeys(candidates):
            if (
                candidate != http.base_url
                and _is_same_host(candidate, http.base_url)
                and _answers(http, candidate)
            ):
                return f"Airflow answers at {candidate!a}: write that."
    except RetryableError:
        return ""
    if front.location and not _is_same_host(front.location, http.base_url):
        return (
            f"It redirects to {front.shown(front.location)!a}, where people log in: the app must be let "
            "through to Airflow itself, by a gateway's API key, say (AIRFLOW_AUTH)."
        )
    if front.start.startswith(_MISPLACED):
        return (
            "Airflow says that it is not at this path: that of its own `base_url` ([webserver]) is missing."
        )
    if any(front.location.rstrip("/").endswith(page) for page in _PAGES):
        return f"It redirects to the log-in page {front.shown(front.location)!a}."
    return ""


def _redirect_bases(front: Response) -> list[str]:
    """Return the addresses of which a redirect from the front page may be a page."""
    target = front.location.rstrip("/")
    if not target:
        return []
    return [target.removesuffix(page) for page in _PAGES if target.endswith(page)] or [target]


def _parents(base_url: str) -> list[str]:
    """Return the addresses above: a path may be doubled, or be that of a page."""
    path = urlsplit(base_url).path
    origin = base_url.removesuffix(path)
    steps = path.strip("/").split("/") if path else []
    return ["/".join([origin, *steps[:count]]) for count in range(len(steps))[::-1][:_MOST_PARENTS]]


def _is_same_host(url: str, other: str) -> bool:
    return urlsplit(url).hostname == urlsplit(other).hostname


def _answers(http: AirflowHttp, base_url: str) -> bool:
    for path in _VERSIONS:
        try:
            response = http.send(Request(method="GET", path=path), base_url=base_url)
        except RetryableError:
            continue
        if response.status == HTTPStatus.OK and isinstance(response.object.get("version"), str):
            return True
    return False
