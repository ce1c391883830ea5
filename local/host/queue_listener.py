"""Listens to one storage queue: receives in batches, retries, and poisons, as the real host does.

Source: NET-C Queues/QueueListener.cs and Queues/QueueProcessor.cs.
"""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from azure.core.exceptions import HttpResponseError
from azure.storage.queue import QueueClient

from local.host.host_json import QueueSettings
from local.host.host_log import brief
from local.host.invoker import HostServices
from local.host.queue_message import ReceivedMessage

_RENEW_LOOK_SECONDS = 0.5
_RANDOMIZATION = 0.2
_MAX_EXPONENT = 32
_NOT_THERE = (404, 409)
_SERVER_ERROR = 500


class MessageRunner(Protocol):
    """What to do with the messages of a queue."""

    def run(self, message: ReceivedMessage) -> bool:
        """Run what a message asks for; return False when the attempt failed."""

    def reject(self, message: ReceivedMessage) -> None:
        """Settle a message whose body cannot be decoded."""

    def poison_queue(self, message: ReceivedMessage) -> QueueClient:
        """Return the poison queue for a message."""


class Backoff:
    """The pause after an empty poll, in seconds: min, then min and 1, 2, 4, ... times min, up to max.

    Source: SDK Timers/RandomizedExponentialBackoffStrategy.cs.
    """

    def __init__(
        self, *, minimum: float, maximum: float, uniform: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._minimum = minimum
        self._maximum = max(minimum, maximum)
        self._uniform = uniform
        self._exponent = 0

    def reset(self) -> None:
        """Begin again, after a poll that found a message."""
        self._exponent = 0

    def next(self) -> float:
        """Return the pause after one more poll that found nothing."""
        growth = 0.0
        if self._exponent:
            delta = self._minimum * self._uniform(1 - _RANDOMIZATION, 1 + _RANDOMIZATION)
            growth = delta * 2.0 ** (self._exponent - 1)
        self._exponent = min(self._exponent + 1, _MAX_EXPONENT)
        return min(self._minimum + growth, self._maximum)


class QueueListener:
    """A thread that receives, a pool of threads that run, and a thread that keeps messages hidden."""

    def __init__(
        self, *, queue: QueueClient, settings: QueueSettings, runner: MessageRunner, services: HostServices
    ) -> None:
        self._queue = queue
        self._settings = settings
        self._runner = runner
        self._services = services
        self._log = services.log
        times = services.times
        self._backoff = Backoff(
            minimum=times.queue_poll_min,
            maximum=min(settings.max_poll_seconds or times.queue_poll_max, times.queue_poll_max),
        )
        self._changed = threading.Condition()
        self._in_flight: set[ReceivedMessage] = set()
        self._is_stopping = False
        self._is_abandoning = False
        self._was_notified = False
        self._pool = ThreadPoolExecutor(settings.batch_size + settings.new_batch_threshold, queue.queue_name)
        self._threads = [
            threading.Thread(target=target, name=f"{queue.queue_name}-{target.__name__}", daemon=True)
            for target in (self._receive, self._renew)
        ]

    def start(self) -> None:
        """Begin to listen."""
        for thread in self._threads:
            thread.start()

    def notify(self) -> None:
        """Poll at once: this host has just put a message into the queue."""
        with self._changed:
            self._was_notified = True
            self._changed.notify_all()

    def stop(self, *, drain: bool) -> None:
        """Receive no more. With `drain` what runs is settled when it ends; else it stays hidden."""
        with self._changed:
            self._is_stopping = True
            self._is_abandoning = not drain
            self._changed.notify_all()
        self._pool.shutdown(wait=False)

    def _receive(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._is_stopping or len(self._in_flight) <= self._settings.new_batch_threshold
                )
                if self._is_stopping:
                    return
                self._was_notified = False
            try:
                has_found = self._receive_batch()
            except Exception as exc:  # noqa: BLE001 (whatever it is, the real host stops)
                self._services.fail(exc)
                return
            if has_found:
                self._backoff.reset()
                continue
            with self._changed:
                self._changed.wait_for(
                    lambda: self._is_stopping or self._was_notified, timeout=self._backoff.next()
                )

    def _receive_batch(self) -> bool:
        """Receive one batch and hand it to the pool; return False when there was nothing."""
        size = self._settings.batch_size
        hidden = int(self._services.times.message_visibility)
        try:
            batch = list(
                self._queue.receive_messages(
                    messages_per_page=size, max_messages=size, visibility_timeout=hidden
                )
            )
        except HttpResponseError as exc:
            status = exc.status_code or 0
            if status not in _NOT_THERE and status < _SERVER_ERROR:
                raise
            # The listener does not create the queue; its sender does.
            if status >= _SERVER_ERROR:
                self._log(f"Queue '{self._queue.queue_name}' not polled: {brief(exc)}", level="Warning")
            return False
        for raw in batch:
            message = ReceivedMessage(
                queue=self._queue,
                raw=raw,
                is_base64=self._settings.is_base64,
                times=self._services.times,
                log=self._log,
            )
            with self._changed:
                if self._is_stopping:
                    break
                self._in_flight.add(message)
                self._pool.submit(self._process, message)
        return bool(batch)

    def _process(self, message: ReceivedMessage) -> None:
        try:
            self._run(message)
        except Exception as exc:  # noqa: BLE001 (whatever it is, the real host stops; the message stays hidden)
            self._services.fail(exc)
        finally:
            with self._changed:
                self._in_flight.discard(message)
                self._changed.notify_all()

    def _run(self, message: ReceivedMessage) -> None:
        limit = self._settings.max_dequeue_count
        if message.body is None:
            self._runner.reject(message)
            return
        if message.dequeue_count > limit:
            # Its last attempt never ended, as when its host was killed: it is not run again.
            message.poison(self._runner.poison_queue(message), max_dequeue_count=limit)
            return
        has_succeeded = self._runner.run(message)
        if self._is_abandoning:
            return
        if has_succeeded:
            message.delete()
        elif message.dequeue_count >= limit:
            message.poison(self._runner.poison_queue(message), max_dequeue_count=limit)
        else:
            message.release(delay_seconds=self._settings.retry_visibility_seconds)

    def _renew(self) -> None:
        while True:
            with self._changed:
                in_flight = list(self._in_flight)
                if self._is_abandoning or (self._is_stopping and not in_flight):
                    return
            for message in in_flight:
                message.renew()
            time.sleep(_RENEW_LOOK_SECONDS)
