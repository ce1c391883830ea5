"""Addresses in settings: how they are read and normalised, and what of them may be shown."""

import re
from urllib.parse import SplitResult, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_MOST_SHOWN = 40
_API_PATH = re.compile(r"(?P<base>.*?)/(?:api/(?:v1|v2|experimental)(?:/.*)?|auth/token|home|login|dags)$")
"""Pages and API paths below Airflow's own address, as people copy them from a browser or a snippet."""


def base_url(value: str) -> str:
    """Read the address of a server with its path, normalised: one server has one spelling.

    Scheme and host in lower case, without the scheme's usual port and without slashes at the end.
    """
    parts = _split(value)
    if parts is None or parts.scheme not in _DEFAULT_PORTS or not parts.hostname or _has_more(value):
        msg = "must be an address such as https://airflow.example.com or https://host/team/airflow"
        raise ValueError(msg)
    if "@" in parts.netloc:
        msg = "must not contain a user name or a password: set them as the credentials"
        raise ValueError(msg)
    return f"{_origin(parts)}{parts.path.rstrip('/')}"


def airflow_url(value: str) -> str:
    """Read the address of Airflow's web server, which is not that of its API or of one of its pages."""
    url = base_url(value)
    found = _API_PATH.match(urlsplit(url).path)
    if found:
        own = f"{shown_url(url)}{found['base']}"
        msg = f"must be the address of Airflow itself, without what follows it: write {own!a}"
        raise ValueError(msg)
    return url


def base_urls(value: str) -> frozenset[str]:
    """Read addresses separated by commas."""
    return frozenset(base_url(part.strip()) for part in value.split(",") if part.strip())


def shown_url(value: str) -> str:
    """Return scheme, host and port of an address: the rest may hold a key."""
    parts = _split(value)
    if parts is None or parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return f"({len(value)} characters)"
    return _origin(parts)


def shown(value: str) -> str:
    """Return the value of a setting for a message: a short plain one, of an address scheme and host."""
    if "://" in value:
        return ascii(shown_url(value))
    is_plain = value.isprintable() and len(value) <= _MOST_SHOWN and not re.search(r"[=;?@&]", value)
    return ascii(value) if is_plain else f"({len(value)} characters)"


def _split(value: str) -> SplitResult | None:
    """Split an address; None if it is none. The error of the library would repeat it."""
    if not value.isprintable() or re.search(r"[\s\\<>\"]", value):
        return None
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return None
    return None if port == 0 else parts


def _has_more(value: str) -> bool:
    """Tell whether there is a query or a fragment, even an empty one."""
    return "?" in value or "#" in value


def _origin(parts: SplitResult) -> str:
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
