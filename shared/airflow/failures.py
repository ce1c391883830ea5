"""`reason_of`: why a server did not answer, in words. Types only: a library's text may hold an address."""

import errno
import socket
import ssl
from collections.abc import Iterator, Sequence

import requests
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError, ProxyError

from shared.airflow.deadline import NOT_SENT, NameTimeoutError

_MAX_CAUSES = 10

# https://docs.openssl.org/3.0/man1/openssl-verification-options/ and openssl/x509_vfy.h
_UNTRUSTED = {2, 18, 19, 20, 21}
_NOT_NOW = {9, 10}
_OTHER_NAME = {62, 64}

_WORDS: Sequence[tuple[tuple[type[BaseException], ...], str]] = (
    ((ssl.SSLError,), "the TLS handshake failed: does this port speak https?"),
    ((NameTimeoutError,), "DNS did not answer in time"),
    ((socket.gaierror, NameResolutionError), "DNS does not know the name"),
    ((ConnectionRefusedError,), "connection refused: nothing listens at this port"),
    ((ProxyError,), "the proxy of the environment failed"),
    ((requests.ConnectTimeout,), "no connection in time: a firewall, or the wrong address"),
    ((TimeoutError, requests.Timeout), "time-out"),
    ((ConnectionError,), "the connection was closed"),
)
"""The first that fits counts."""


def causes_of(error: BaseException) -> list[BaseException]:
    """Return an exception and what it wraps, the innermost last."""
    return list(_causes(error))


def is_before_sending(causes: Sequence[BaseException]) -> bool:
    """Tell whether a request cannot have been sent: no address, no connection, no trusted certificate."""
    return any(
        getattr(cause, NOT_SENT, False)
        or _is_bad_request(cause)
        or isinstance(cause, NewConnectionError | ProxyError)
        for cause in causes
    )


def reason_of(causes: Sequence[BaseException]) -> str:
    """Return why there was no response."""
    for cause in reversed(causes):
        if found := _reason(cause):
            return f"{found} ({type(cause).__name__})"
    return type(causes[-1]).__name__


def _reason(cause: BaseException) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _certificate_reason(cause.verify_code)
    if isinstance(cause, OSError) and cause.errno in {errno.ENETUNREACH, errno.EHOSTUNREACH}:
        return "no route to the address"
    return next((words for kinds, words in _WORDS if isinstance(cause, kinds)), "")


def _certificate_reason(code: int) -> str:
    if code in _UNTRUSTED:
        return "its certificate comes from an authority that is not trusted (AIRFLOW_CA_BUNDLE)"
    if code in _NOT_NOW:
        return "its certificate is expired, or not valid yet"
    if code in _OTHER_NAME:
        return "its certificate is for another name"
    return "its certificate is not valid"


def _is_bad_request(cause: BaseException) -> bool:
    is_bad = isinstance(cause, requests.RequestException) and isinstance(cause, ValueError)
    return is_bad and not isinstance(cause, requests.JSONDecodeError)


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    depth = 0
    while current is not None and depth < _MAX_CAUSES:
        yield current
        depth += 1
        inner = current.args[0] if current.args and isinstance(current.args[0], BaseException) else None
        reason = current.reason if isinstance(current, MaxRetryError) else None
        current = reason or inner or current.__cause__ or current.__context__
