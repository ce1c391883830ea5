"""`Route`: which blobs, which DAG, what conf."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from shared.model.blob_event import BlobEvent
from shared.model.conf import build_conf
from shared.model.errors import CopyPending
from shared.model.note import note
from shared.model.run_id import run_id
from shared.model.run_request import RunRequest, WhenPaused
from shared.routes import completeness
from shared.routes.batching import Batching
from shared.routes.completeness import Api, Default
from shared.routes.filters import Filters
from shared.routes.pattern import Pattern
from shared.routes.requirement import Requirement
from shared.routes.template import Template, render_conf, templates

EVENT_TIME = "event_time"
NO_DATE = "none"
REQUIRES_WITHIN = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route of the file, checked and compiled.

    Attributes:
        id: Part of the run id: with another one, blobs that come again start new runs.
        name: What `conf`, logs and messages show.
        match: Which `container/blob` it is for, and the named captures in it.
        dag_id: Text, with captures of `match` only where `dag_ids` is given; None for `ignore` or `dags`.
        dag_ids: The DAGs that a `dag_id` with captures may name; empty for a fixed one.
        dag_by: The capture whose value is a key of `dags`; empty where `dag_id` is a text.
        dags: The DAG for each value of that capture; another value starts nothing.
        conf: What is added to the facts; see `compile_value`.
        filters: Conditions beside the path.
        complete: The completeness defaults that are on.
        head: Ask for a `HEAD` in queue mode, for the facts that only it gives.
        when_paused: See `RunRequest`.
        logical_date: `none`, `event_time`, or one date capture in braces.
        max_runs_per_minute: See `RunRequest`.
        max_queued_runs: See `RunRequest`.
        requires: The blobs that must be there before a run starts.
        requires_within: How long to wait for them.
        enabled: Whether its runs are sent; if not, they wait in the outbox.
        owner: Who looks after it, for log lines, dead letters and holds; may be empty.
        ordered: What the runs that are created one after another have in common; None for no order.
        batch: Which files have one run together, and when; None for a run each.
        stop: Do not try the routes below once this one has fired.
        ignore: Start nothing, and do not try the routes below: an exception from them.
        line: Line in its file, from 1; 0 for the default route without a file.
    """

    id: str
    name: str
    match: Pattern
    dag_id: Template | None
    dag_ids: frozenset[str] = frozenset()
    dag_by: str = ""
    dags: Mapping[object, str] = field(default_factory=dict)
    conf: Mapping[str, object] = field(default_factory=dict)
    filters: Filters = field(default_factory=Filters)
    complete: Mapping[str, Default] = field(default_factory=lambda: completeness.DEFAULTS)
    head: bool = False
    when_paused: WhenPaused = WhenPaused.QUEUE
    logical_date: str = NO_DATE
    max_runs_per_minute: int | None = None
    max_queued_runs: int | None = None
    requires: tuple[Requirement, ...] = ()
    requires_within: timedelta = REQUIRES_WITHIN
    enabled: bool = True
    owner: str = ""
    ordered: Template | None = None
    batch: Batching | None = None
    stop: bool = False
    ignore: bool = False
    line: int = 0

    def refusal(self, event: BlobEvent, captures: Mapping[str, object], api: Api) -> str | None:
        """Return why not to fire for a blob that matches, as `<key>` or `complete.<default>`; None to fire.

        Raises:
            CopyPending: The only reason is that the blob is still being copied.
        """
        if reason := self.filters.refusal(event):
            return reason
        if self.ignore:
            return None
        if self.dags and captures[self.dag_by] not in self.dags:
            return "dag_id"
        if self.dag_ids and self._dag_id(event, captures) not in self.dag_ids:
            return "dag_ids"
        reason = completeness.refusal(event, api, self.complete)
        if reason == completeness.PENDING_COPY:
            msg = f"{event.path!a} is still being copied; its size and content are not final."
            raise CopyPending(msg)
        return f"complete.{reason}" if reason else None

    def needs_head(self, event: BlobEvent, api: Api) -> bool:
        """Tell whether the route needs facts that a `HEAD` provides and the event lacks."""
        return (
            self.head
            or bool(self.requires)
            or self.filters.needs_head(event)
            or (not self.ignore and completeness.needs_head(event, api, self.complete))
            or any(template.needs_head(event) for template in templates(self.conf))
        )

    def request(self, event: BlobEvent, captures: Mapping[str, object]) -> RunRequest:
        """Return the run to start for a blob that matches and that nothing refuses."""
        extra = render_conf(self.conf, captures, event)
        if self.batch is None and completeness.is_for_folders(self.match.text):
            extra = {"folder": event.name.rpartition("/")[0], **extra}
        return RunRequest(
            dag_id=self._dag_id(event, captures),
            run_id=run_id(event, route=self.id),
            conf=build_conf(event, route=self.name, extra=extra),
            route=self.name,
            route_id=self.id,
            logical_date=self._date(event, captures),
            when_paused=self.when_paused,
            is_enabled=self.enabled,
            max_runs_per_minute=self.max_runs_per_minute,
            max_queued_runs=self.max_queued_runs,
            requires=tuple(each.companion_of(event.path) for each in self.requires),
            is_ordered=self.ordered is not None,
            group=str(self.ordered.render(captures, event)) if self.ordered else "",
            batch=self.batch.key(captures) if self.batch else None,
            is_counted=bool(self.batch and self.batch.count),
            note=note(event),
        )

    @property
    def fixed_dag_id(self) -> str | None:
        """The DAG of every run; None where it depends on the blob, or where there is none."""
        if self.dag_id is None or self.dag_id.names:
            return None
        return "".join(text for text, _ in self.dag_id.tokens)

    @property
    def possible_dag_ids(self) -> list[str]:
        """Every DAG that it may start, sorted; none for an exception."""
        fixed = self.fixed_dag_id
        return [fixed] if fixed is not None else sorted(self.dag_ids | set(self.dags.values()))

    def _dag_id(self, event: BlobEvent, captures: Mapping[str, object]) -> str:
        if self.dags:
            return self.dags[captures[self.dag_by]]
        return "" if self.dag_id is None else str(self.dag_id.render(captures, event))

    def _date(self, event: BlobEvent, captures: Mapping[str, object]) -> datetime | None:
        match self.logical_date:
            case "none":
                return None
            case "event_time":
                return event.event_time
        day = captures[self.logical_date[1:-1]]
        if isinstance(day, datetime):
            return day
        return datetime.combine(day, datetime.min.time(), UTC) if isinstance(day, date) else None
