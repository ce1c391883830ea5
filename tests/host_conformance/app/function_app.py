"""A small app that records its invocations: one JSON line each, in the file that RECORD_FILE names.

What a blob's name or a message's text contains says how the function behaves: `fail` raises, `slow`
takes SLOW_SECONDS, `answer` returns a value, `thread` logs in a thread of its own.
"""

import json
import logging
import os
import threading
import time
from typing import Any

import azure.functions as func
from azurefunctions.extensions.bindings import blob

logger = logging.getLogger("sample")
logger.warning("logged at import")

app = func.FunctionApp()


def record(function: str, **facts: Any) -> None:
    """Append one line; a line this short is written as a whole."""
    line = json.dumps({"function": function, "pid": os.getpid(), **facts}) + "\n"
    descriptor = os.open(os.environ["RECORD_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def behave(text: str) -> Any:
    """Do what the text asks for."""
    if "slow" in text:
        time.sleep(float(os.environ.get("SLOW_SECONDS", "2")))
    if "thread" in text:
        thread = threading.Thread(target=logger.warning, args=("logged in a thread",))
        thread.start()
        thread.join()
        logger.warning("logged in the function")
    if "fail" in text:
        message = "asked to fail"
        raise ValueError(message)
    return "a value" if "answer" in text else None


def on_blob(function: str, client: blob.BlobClient, context: func.Context) -> Any:
    """Record a blob by its names only."""
    record(
        function,
        container=client.container_name,
        blob=client.blob_name,
        invocation_id=context.invocation_id,
        retry_count=context.retry_context.retry_count,
    )
    return behave(client.blob_name)


@app.blob_trigger(
    arg_name="client",
    path="%EVENT_CONTAINER%/{name}",
    connection="LandingStorage",
    source=func.BlobSource.EVENT_GRID,
)
def announced(client: blob.BlobClient, context: func.Context) -> Any:
    """Blobs that Event Grid announces."""
    return on_blob("announced", client, context)


@app.blob_trigger(arg_name="client", path="%SCAN_CONTAINER%/{name}", connection="LandingStorage")
def scanned(client: blob.BlobClient, context: func.Context) -> Any:
    """Every blob of a scanned container."""
    return on_blob("scanned", client, context)


@app.blob_trigger(arg_name="client", path="%SCAN_CONTAINER%/only/{name}.csv", connection="LandingStorage")
def scanned_csv(client: blob.BlobClient, context: func.Context) -> Any:
    """Blobs of the same container whose names match a pattern."""
    return on_blob("scanned_csv", client, context)


@app.blob_trigger(
    arg_name="client",
    path="%EVENT_CONTAINER%/{name}",
    connection="LandingStorage",
    source=func.BlobSource.EVENT_GRID,
)
def stored(client: blob.BlobClient, context: func.Context) -> Any:
    """The same, by a function that is registered after the scanning ones."""
    return on_blob("stored", client, context)


@app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="LandingStorage")
def queued(message: func.QueueMessage) -> None:
    """Messages of a queue."""
    text = message.get_body().decode()
    local_setting = os.environ.get("LOCAL_SETTING")
    record(
        "queued", text=text, dequeue_count=message.dequeue_count, id=message.id, local_setting=local_setting
    )
    behave(text)


@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%", run_on_startup=False, use_monitor=False)
def ticked(timer: func.TimerRequest) -> None:
    """A timer."""
    started = time.time()
    time.sleep(float(os.environ.get("TICK_SECONDS", "0")))
    record("ticked", past_due=timer.past_due, started=started, ended=time.time())
