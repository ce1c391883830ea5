"""The functions: triggers and their bindings. What they do stands in shared/."""

import os

import azure.functions as func
from azurefunctions.extensions.bindings import blob

from shared.app import App
from shared.bindings import Bindings

# Read at import, because decorators need literals. Every other setting is read when the first event comes.
BINDINGS = Bindings.from_env(os.environ)
BRIDGE = App(os.environ)

app = func.FunctionApp()


# The name is an interface: messages of the host and the Event Grid subscription carry it.
@app.function_name("blob_to_dag")
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
