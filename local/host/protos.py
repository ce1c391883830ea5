"""What the runtime takes for its protobuf module: plain classes with the same names.

The runtime imports no protobuf on these paths; it is handed this namespace in `worker_init_request`.
Upstream does the same (WRK workers/r2p2/bridge/protos_adapter.py).
"""

from types import SimpleNamespace

from local.host.typed_data import ParameterBinding, TypedData

__all__ = ["ParameterBinding", "TypedData"]


class StatusResult(SimpleNamespace):
    """Outcome of a request."""

    Failure = 0
    Success = 1


class BindingInfo(SimpleNamespace):
    """One binding; the runtime compares `direction` with these."""

    undefined = 0
    out = 1
    inout = 2


class RpcHttpCookie(SimpleNamespace):
    """A cookie of an HTTP answer."""

    class SameSite:
        """Values of its SameSite attribute."""

        Lax = 1
        Strict = 2
        ExplicitNone = 3


setattr(RpcHttpCookie.SameSite, "None", 0)


class FunctionLoadResponse(SimpleNamespace):
    """Answer to function_load_request."""


class FunctionMetadataResponse(SimpleNamespace):
    """Answer to functions_metadata_request."""


class InvocationResponse(SimpleNamespace):
    """Answer to invocation_request."""


class WorkerInitResponse(SimpleNamespace):
    """Answer to worker_init_request."""


class WorkerMetadata(SimpleNamespace):
    """Versions of the worker."""


class RpcException(SimpleNamespace):
    """`message` and `stack_trace` of an exception."""


class RpcFunctionMetadata(SimpleNamespace):
    """One function of the app."""


class RpcHttp(SimpleNamespace):
    """An HTTP answer."""


class RpcRetryOptions(SimpleNamespace):
    """A retry policy; the host runs none for these triggers."""


class NullableString(SimpleNamespace):
    """A text that may be missing."""


class NullableBool(SimpleNamespace):
    """A switch that may be missing."""


class NullableDouble(SimpleNamespace):
    """A number that may be missing."""


class NullableTimestamp(SimpleNamespace):
    """A time that may be missing."""


class Timestamp(SimpleNamespace):
    """`seconds` since 1970."""
