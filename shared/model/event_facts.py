"""A `BlobEvent` as JSON and back, for parked messages and dead letters."""

from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from datetime import datetime

from shared.model.blob_event import BlobEvent, blob_url
from shared.model.errors import BadEvent

_TIMES = {"event_time", "last_modified"}


def facts_of_event(event: BlobEvent, *, leave_out: Collection[str] = ()) -> dict[str, object]:
    """Give the facts by field name, without those that are None and without `container` and `name`.

    The address is kept as its endpoint, which is short; names can be long, and quoted ones three times that.
    """
    facts: dict[str, object] = {}
    for item in fields(event):
        value = getattr(event, item.name)
        if item.name in {"container", "name", "url", *leave_out} or value is None:
            continue
        if isinstance(value, datetime):
            value = value.isoformat()
        if isinstance(value, Mapping):
            if not value:
                continue
            value = dict(value)
        facts[item.name] = value
    suffix = blob_url("", event.container, event.name)
    facts["endpoint"] = event.url.removesuffix(suffix)
    return facts


def event_from_facts(container: str, name: str, facts: Mapping[str, object]) -> BlobEvent:
    """Give the event back.

    Raises:
        BadEvent: A fact is missing or of the wrong type.
    """
    values: dict[str, object] = {"container": container, "name": name}
    try:
        values["url"] = blob_url(str(facts["endpoint"]), container, name)
        for item in fields(BlobEvent):
            if item.name in values:
                continue
            if item.name in facts:
                values[item.name] = _value(item.name, facts[item.name])
            elif item.default is MISSING and item.default_factory is MISSING:
                raise KeyError(item.name)  # noqa: TRY301  (joins the other faults of the same kind)
        return BlobEvent(**values)  # type: ignore[arg-type]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        msg = f"The facts of the event cannot be read ({type(error).__name__}: {error!s:.200})."
        raise BadEvent(msg) from error


def _value(name: str, value: object) -> object:
    if name in _TIMES:
        moment = datetime.fromisoformat(str(value))
        if moment.tzinfo is None:
            msg = f"{name} has no time zone"
            raise ValueError(msg)
        return moment
    expected = {"size": int, "metadata": dict}.get(name, str)
    if type(value) is not expected:
        msg = f"{name} is no {expected.__name__}"
        raise TypeError(msg)
    return value
