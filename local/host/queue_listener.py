"""Listens to one storage queue: receives in batches, retries, and poisons, as the real host does.

Source: NET-C Queues/QueueListener.cs and Queues/QueueProcessor.cs.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from local.host.backoff import Backoff
from local.host.host_json import QueueKnobs
from local.host.host_log import brief
from local.host.parts import HostParts
from local.host.queue_message import ReceivedMessage

_RENEW_LOOK_SECONDS = 0.5

type Run = Callable[[ReceivedMessage], bool]
"""Runs what a message asks for; False means that the attempt failed."""

type PoisonQueueOf = Callable[[ReceivedMessage], QueueClient]
"""Tells which poison queue a message belongs to."""


class QueueListener:
    """A thread that receives, a pool of threads that run, and a thread that keeps messages hidden."""

    def __init__(
        self,
        *,
        queue: QueueClient,
        knobs: QueueKnobs,
        run: Run,
        poison_queue_of: PoisonQueueOf,
        parts: HostParts,
    ) -> None:
        self._queue = queue
        self._knobs = knobs
        self._times = parts.times
        self._run = run
        self._poison_queue_of = poison_queue_of
        self._log = parts.log
        limit = knobs.max_poll_seconds
        self._backoff = Backoff(
            minimum=parts.times.queue_poll_min,
            maximum=min(limit or parts.times.queue_poll_max, parts.times.queue_poll_max),
        )
        self._changed = threading.Condition()
        self._in_flight: set[ReceivedMessage] = set()
        self._is_stopping = False
        self._was_notified = False
        self._pool = ThreadPoolExecutor(knobs.batch_size + knobs.new_batch_threshold, queue.queue_name)
        self._threads = [
            threading.Thread(target=target, name=f"{queue.queue_name}-{target.__name__}", daemon=True)
            for target in (self._receive, self._renew)
        ]

    def start(self) -> None:
        """Begin to listen."""
        for thread in self._threads:
            thread.start()

    def notify(self) -> None:
        """Look at once: this host has just put a message into the queue."""
        with self._changed:
            self._was_notified = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Receive no more; what runs goes on."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        self._pool.shutdown(wait=False)

    def _receive(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._is_stopping or len(self._in_flight) <= self._knobs.new_batch_threshold
                )
                if self._is_stopping:
                    return
                self._was_notified = False
            if self._receive_batch():
                self._backoff.reset()
                continue
            with self._changed:
                self._changed.wait_for(
                    lambda: self._is_stopping or self._was_notified, timeout=self._backoff.next()
                )

    def _receive_batch(self) -> bool:
        """Receive one batch and hand it to the pool; False when there was nothing."""
        try:
            batch = list(
                self._queue.receive_messages(
                    messages_per_page=self._knobs.batch_size,
                    max_messages=self._knobs.batch_size,
                    visibility_timeout=int(self._times.message_visibility),
                )
            )
        except ResourceNotFoundError:
            # The listener does not make the queue; its sender does.
            return False
        except Exception as exc:  # noqa: BLE001 (an outage of storage must not end the listener)
            self._log(
                f"An unhandled exception occurred in the queue polling loop: {brief(exc)}", level="Error"
            )
            return False
        for raw in batch:
            message = ReceivedMessage(
                queue=self._queue,
                raw=raw,
                times=self._times,
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
            self._settle(message)
        except Exception as exc:  # noqa: BLE001 (the message comes back when its time is over)
            self._log(f"Message {message.raw.id} could not be settled: {brief(exc)}", level="Error")
        finally:
            with self._changed:
                self._in_flight.discard(message)
                self._changed.notify_all()

    def _settle(self, message: ReceivedMessage) -> None:
        most = self._knobs.max_dequeue_count
        if message.dequeue_count > most:
            # Its last attempt never ended, as when its host was killed: it is not run again.
            message.poison(self._poison_queue_of(message), max_dequeue_count=most)
        elif self._run(message):
            message.delete()
        elif message.dequeue_count >= most:
            message.poison(self._poison_queue_of(message), max_dequeue_count=most)
        else:
            message.release(delay_seconds=self._knobs.retry_visibility_seconds)

    def _renew(self) -> None:
        while True:
            with self._changed:
                in_flight = list(self._in_flight)
                if self._is_stopping and not in_flight:
                    return
            for message in in_flight:
                message.renew()
            time.sleep(_RENEW_LOOK_SECONDS)
