"""`DeadLetters`: what can never succeed, one blob each, for a person to look at."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContentSettings

from shared.event_log import EventLog
from shared.model.errors import BlobToDagError, StorageUnavailable
from shared.model.event_facts import facts_of_event
from shared.model.pending import Parked
from shared.model.run_id import run_id

CONTAINER = "airflow-dead"
_NO_ROUTE = "unrouted"
_UNREADABLE = "unreadable"
_ROUTE_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")


class DeadLetters:
    """Writes each dead letter once, counts and logs it."""

    def __init__(self, blobs: BlobServiceClient, log: EventLog, *, container: str = CONTAINER) -> None:
        self._blobs = blobs
        self._container = blobs.get_container_client(container)
        self._log = log

    def bury(self, parked: Parked, error: BlobToDagError, *, dag_id: str | None = None) -> str:
        """Write `<route>/<run id>.json` and give that name; a letter that is there already stays as it is.

        Raises:
            StorageUnavailable: It could not be written; the caller must keep the event.
        """
        route = parked.route or _NO_ROUTE
        # A message that was edited by hand must not choose another container.
        folder = route if _ROUTE_NAME.fullmatch(route) else _NO_ROUTE
        letter: dict[str, object] = {
            "reason": error.code,
            "message": str(error),
            "buried_at": datetime.now(UTC).isoformat(),
            "route": parked.route,
            "dag_id": parked.pin.dag_id if parked.pin else dag_id,
            "container": parked.container,
            "name": parked.name,
            "event": facts_of_event(parked.event) if parked.event else None,
            "history": dict(parked.history),
        }
        if parked.event:
            letter["run_id"] = run_id(parked.event, route=route)
            name = f"{folder}/{letter['run_id']}.json"
        else:
            digest = hashlib.sha256(parked.path.encode()).hexdigest()[:32]
            name = f"{folder}/{digest}.json"
        data = json.dumps(letter, ensure_ascii=False, indent=2).encode()
        self._write(name, data, content_type="application/json", metadata={})
        self._log.error(
            "run.dead",
            blob=parked.path,
            size=parked.event.size if parked.event else None,
            reason=error.code,
            message=str(error),
            dead_letter=f"{self._container.container_name}/{name}",
        )
        return name

    def bury_unreadable(self, body: bytes, error: BlobToDagError, *, source: str) -> str:
        """Keep what nobody can read, byte for byte, under `unreadable/<digest>`."""
        name = f"{_UNREADABLE}/{source}-{hashlib.sha256(body).hexdigest()[:32]}"
        self._write(
            name,
            body,
            content_type="application/octet-stream",
            metadata={"reason": error.code, "source": source},
        )
        self._log.error(
            "message.dead",
            source=source,
            reason=error.code,
            message=str(error),
            dead_letter=f"{self._container.container_name}/{name}",
        )
        return name

    def _write(self, name: str, data: bytes, *, content_type: str, metadata: Mapping[str, str]) -> None:
        try:
            try:
                self._upload(name, data, content_type, metadata)
            except ResourceNotFoundError:
                self._create_container()
                self._upload(name, data, content_type, metadata)
        except AzureError as error:
            if getattr(error, "error_code", None) == "BlobAlreadyExists":
                return  # the same letter, written before its message was removed
            msg = f"A dead letter could not be written ({type(error).__name__}); the event is kept."
            raise StorageUnavailable(msg) from error

    def _upload(self, name: str, data: bytes, content_type: str, metadata: Mapping[str, str]) -> None:
        # overwrite=False sends If-None-Match: *
        self._container.upload_blob(
            name,
            data,
            overwrite=False,
            content_settings=ContentSettings(content_type=content_type),
            metadata=dict(metadata),
        )

    def _create_container(self) -> None:
        try:
            self._container.create_container()
        except ResourceExistsError as error:
            # The other conflicts, such as ContainerBeingDeleted, mean that no letter can be written now.
            if getattr(error, "error_code", None) != "ContainerAlreadyExists":
                raise
