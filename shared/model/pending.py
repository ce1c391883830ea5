"""`Parked`: what a message of the queue `airflow-parked` holds, and its JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType

from shared.model.blob_event import BlobEvent
from shared.model.errors import BadEvent, BlobToDagError, DagMissing, RetryableError
from shared.model.event_facts import event_from_facts, facts_of_event

FORMAT = 1
MAX_BYTES = 8 * 1024
"""Of the JSON, before Base64. A queue takes 48 KiB; a small cap keeps foreign data out of it."""

_NOTHING: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """Where a request may have been sent. The same run id must go there again, nowhere else.

    Attributes:
        dag_id: The DAG.
        airflow: Base URL of the Airflow.
    """

    dag_id: str
    airflow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """An event that waits to be delivered, and how far it came.

    Attributes:
        container: Of the blob.
        name: Of the blob.
        event: The observed version; None where the blob has only been heard of and is to be looked at.
        api: The storage call that raised the event, where the source told.
        route: The route whose run waits; None where the routes have not been asked yet.
        history: How often it was parked, by reason.
        pin: Set once a request may have been sent.
        is_cut: Whether facts were left out of the message to make it fit.
        missing_since_age_seconds: The message's age when its DAG was found missing for the first time in a
            row; None while it is not.
    """

    container: str
    name: str
    event: BlobEvent | None = None
    api: str | None = None
    route: str | None = None
    history: Mapping[str, int] = field(default_factory=lambda: _NOTHING)
    pin: Pin | None = None
    is_cut: bool = False
    missing_since_age_seconds: float | None = None

    @property
    def path(self) -> str:
        """`container/name`, as people write it."""
        return f"{self.container}/{self.name}"

    def again(
        self, error: BlobToDagError, *, pin: Pin | None = None, age: timedelta = timedelta(0)
    ) -> "Parked":
        """Give the message after one more failed delivery; a pin is never taken away."""
        history = {**self.history, error.code: self.history.get(error.code, 0) + 1}
        missing = None
        if isinstance(error, DagMissing):
            known = self.missing_since_age_seconds
            missing = age.total_seconds() if known is None else known
        return replace(self, history=history, pin=self.pin or pin, missing_since_age_seconds=missing)

    def missing_for(self, age: timedelta) -> timedelta:
        """Give how long the DAG has been missing, without a break, when the message is `age` old."""
        since = self.missing_since_age_seconds
        return timedelta(0) if since is None else age - timedelta(seconds=since)

    def failures(self, error: RetryableError) -> int:
        """Count the deliveries that failed for this reason."""
        return self.history.get(error.code, 0)


def write_parked(parked: Parked) -> str:
    """Give the JSON, never more than 8 KiB: facts that storage can be asked for again are left out first."""
    for leave_out in ((), ("metadata",), ("metadata", "content_type", "traceparent")):
        text = _write(parked, leave_out)
        if len(text.encode()) <= MAX_BYTES:
            return text
    msg = f"The event of {parked.path[:200]!a} does not fit into a message of {MAX_BYTES} bytes."
    raise BadEvent(msg)


def _write(parked: Parked, leave_out: tuple[str, ...]) -> str:
    message: dict[str, object] = {
        "format": FORMAT,
        "container": parked.container,
        "name": parked.name,
        "history": dict(parked.history),
    }
    if parked.event:
        message["event"] = facts_of_event(parked.event, leave_out=leave_out)
        message["is_cut"] = parked.is_cut or bool(leave_out)
    if parked.api:
        message["api"] = parked.api
    if parked.route is not None:
        message["route"] = parked.route
    if parked.missing_since_age_seconds is not None:
        message["missing_since_age_seconds"] = parked.missing_since_age_seconds
    if parked.pin:
        message["pin"] = {"dag_id": parked.pin.dag_id, "airflow": parked.pin.airflow}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def read_parked(text: str) -> Parked:
    """Read the JSON of this or another version of the app: unknown keys are passed over.

    Raises:
        BadEvent: What is needed is not there, or of another type.
    """
    try:
        message = json.loads(text)
        container, name = message["container"], message["name"]
        pin = message.get("pin")
        history = message.get("history") or {}
        facts = message.get("event")
        route, api = message.get("route"), message.get("api")
        missing = message.get("missing_since_age_seconds")
        event = event_from_facts(container, name, facts) if facts is not None else None
        parked = Parked(
            container=_text(container),
            name=_text(name),
            event=event,
            api=None if api is None else _text(api),
            route=None if route is None else _text(route),
            history={_text(reason): int(count) for reason, count in history.items()},
            pin=None if pin is None else Pin(dag_id=_text(pin["dag_id"]), airflow=_text(pin["airflow"])),
            is_cut=message.get("is_cut") is True,
            missing_since_age_seconds=None if missing is None else float(missing),
        )
    except (
        BadEvent,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        ArithmeticError,
        RecursionError,
    ) as error:
        msg = f"The parked message cannot be read ({type(error).__name__}: {error!s:.200})."
        raise BadEvent(msg) from error
    if parked.event is None and (parked.route is not None or parked.pin):
        msg = "The parked message names a route or a pin, but no event."
        raise BadEvent(msg)
    return parked


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        msg = f"{value!r:.100} is no text"
        raise ValueError(msg)
    value.encode()  # half a surrogate pair is no text, either
    return value
