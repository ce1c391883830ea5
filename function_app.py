"""The functions: triggers and their bindings. What they do stands in shared/."""

import os

import azure.functions as func
from azurefunctions.extensions.bindings import blob

from shared.app import App
from shared.config.bindings import (
    BLOB_FUNCTION,
    DISPATCHER_FUNCTION,
    QUEUE_FUNCTION,
    RECONCILER_FUNCTION,
    Bindings,
)
from shared.config.settings import HOST_CONNECTION
from shared.ingest import EVENT_QUEUE

# Read at import, because decorators need literals. Every other setting is read when the first event comes.
BINDINGS = Bindings.from_env(os.environ)
BRIDGE = App(os.environ)

app = func.FunctionApp()


@app.function_name(BLOB_FUNCTION)
@app.blob_trigger(
    arg_name="client",
    path=BINDINGS.path,
    connection=BINDINGS.connection,
    source=func.BlobSource(BINDINGS.source),
)
def blob_to_dag(client: blob.BlobClient, context: func.Context) -> None:
    """Start the DAG runs of the blob that landed. Only names are taken from the client, never content."""
    trace = context.trace_context.trace_parent
    BRIDGE.on_blob(client.container_name, client.blob_name, traceparent=trace or None)


@app.function_name(QUEUE_FUNCTION)
@app.queue_trigger(arg_name="message", queue_name=EVENT_QUEUE, connection=HOST_CONNECTION)
def queue_to_dag(message: func.QueueMessage, context: func.Context) -> None:
    """Start the DAG runs of the events in a message that Event Grid wrote."""
    trace = context.trace_context.trace_parent
    BRIDGE.on_event(message.get_body(), traceparent=trace or None)


# The host runs a timer once across all instances, and not again while it runs.
@app.function_name(DISPATCHER_FUNCTION)
@app.timer_trigger(arg_name="timer", schedule="*/30 * * * * *", use_monitor=False)
def dispatcher(timer: func.TimerRequest) -> None:  # noqa: ARG001  (the binding needs its argument)
    """Drain the outbox, while there is work and time."""
    BRIDGE.dispatch()


if BINDINGS.reconcile_schedule:

    @app.function_name(RECONCILER_FUNCTION)
    @app.timer_trigger(arg_name="timer", schedule=BINDINGS.reconcile_schedule, use_monitor=False)
    def reconciler(timer: func.TimerRequest) -> None:  # noqa: ARG001
        """Send files whose event never came."""
        BRIDGE.reconcile()
