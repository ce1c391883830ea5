"""`SelfTest`: a `[[test]]` of a file of routes: what a blob starts. `check` runs them; the app does not."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.model.blob_event import BlobEvent, blob_url
from shared.model.conf import CONF_LIMIT_BYTES, encode_conf
from shared.model.errors import BlobToDagError
from shared.model.run_request import RunRequest

_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """One test.

    Attributes:
        blob: `container/name`.
        starts: The DAGs that it starts, in the order of the routes; empty for none.
        conf: What the conf of each run has at least.
        size: Bytes.
        content_type: Of the blob.
        metadata: Of the blob.
        line: Line in its file.
    """

    blob: str
    starts: tuple[str, ...]
    conf: Mapping[str, object] = field(default_factory=dict)
    size: int = 1
    content_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    line: int = 0

    def failure(self, runs_of: Callable[[BlobEvent], Sequence[RunRequest]]) -> str | None:
        """Return how the runs differ from what is expected; None if they do not."""
        try:
            runs = runs_of(self._event())
            wanted = encode_conf(self.conf, max_bytes=CONF_LIMIT_BYTES)
            confs = [encode_conf(run.conf, max_bytes=CONF_LIMIT_BYTES) for run in runs]
        except BlobToDagError as error:
            return str(error)
        started = [run.dag_id for run in runs]
        if started != list(self.starts):
            return f"it starts {_list(started)}, not {_list(self.starts)}"
        for run, conf in zip(runs, confs, strict=True):
            for key, value in wanted.items():
                if key not in conf or conf[key] != value:
                    actual = json.dumps(conf[key]) if key in conf else "nothing"
                    return f"conf.{key} of {run.dag_id} is {actual}, not {json.dumps(value)}"
        return None

    def _event(self) -> BlobEvent:
        container, _, name = self.blob.partition("/")
        return BlobEvent(
            account="account",
            container=container,
            name=name,
            etag="0x1",
            size=self.size,
            event_time=_MOMENT,
            url=blob_url("https://account.blob.core.windows.net", container, name),
            content_type=self.content_type,
            blob_type="BlockBlob",
            metadata=self.metadata,
            last_modified=_MOMENT if self.metadata else None,
        )


def _list(dags: object) -> str:
    return json.dumps(dags) if dags else "nothing"
