"""Runs one invocation of a function and writes its start and its end to the log."""

import secrets
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.host.functions import Function
from local.host.host_json import HostJson
from local.host.host_log import Log
from local.host.options import HostTimes
from local.host.storage import StorageAccounts
from local.host.worker_process import Answer, WorkerEndedError
from local.host.workers import Workers
from local.worker.protos import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One run of a function; each attempt is one.

    Attributes:
        function: what to run.
        value: for the trigger's argument.
        reason: why it runs, for the log.
        metadata: trigger metadata, for bindings that read it.
        details: `Trigger Details` for the log.
    """

    function: Function
    value: Value
    reason: str
    metadata: Mapping[str, Value] = field(default_factory=dict)
    details: str = ""


class Invoker:
    """Runs invocations in the workers."""

    def __init__(self, *, workers: Workers, log: Log, timeout_seconds: float) -> None:
        self._workers = workers
        self._log = log
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._count = 0

    @property
    def running_count(self) -> int:
        """How many invocations run now."""
        return self._count

    def invoke(self, invocation: Invocation) -> bool:
        """Run the function and wait for its end; return whether it succeeded. The invocation id is new."""
        function = invocation.function
        invocation_id = str(uuid.uuid4())
        message: dict[str, Any] = {
            "name": function.name,
            "function_id": function.function_id,
            "inputs": {function.argument: invocation.value},
            "metadata": dict(invocation.metadata),
            "trace_parent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01",
        }
        started = time.monotonic()
        self._log(f"Executing 'Functions.{function.name}' (Reason='{invocation.reason}', Id={invocation_id})")
        if invocation.details:
            self._log(f"Trigger Details: {invocation.details}")
        with self._lock:
            self._count += 1
        try:
            answer = self._run(invocation_id, message)
        finally:
            with self._lock:
                self._count -= 1
        duration = int((time.monotonic() - started) * 1000)
        if answer.error is None:
            self._log(
                f"Executed 'Functions.{function.name}' (Succeeded, Id={invocation_id}, Duration={duration}ms)"
            )
            return True
        self._log(
            f"Executed 'Functions.{function.name}' (Failed, Id={invocation_id}, Duration={duration}ms)\n"
            f"Exception while executing function: Functions.{function.name}\n"
            f"Result: Failure\nException: {answer.error}\nStack: {answer.stack}",
            level="Error",
        )
        return False

    def _run(self, invocation_id: str, message: dict[str, Any]) -> Answer:
        try:
            worker, future = self._workers.invoke(invocation_id, message)
        except TimeoutError as exc:
            return Answer(error=str(exc))
        try:
            return future.result(self._timeout_seconds)
        except TimeoutError:
            # The real host cannot end a thread either: it ends the process (functionTimeout).
            worker.kill()
            return Answer(error=f"Timeout value of {self._timeout_seconds:g} s exceeded by function")
        except WorkerEndedError as exc:
            return Answer(error=f"WorkerProcessExitException: {exc}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostServices:
    """What the listeners of one host share.

    Attributes:
        invoker: runs functions.
        accounts: storage by connection name.
        host_id: part of the names of queues, receipts and locks.
        host_json: settings of the listeners.
        times: how often and how long.
        log: the host's log.
        fail: stops the host for an error that no listener handles.
    """

    invoker: Invoker
    accounts: StorageAccounts
    host_id: str
    host_json: HostJson
    times: HostTimes
    log: Log
    fail: Callable[[Exception], None]
