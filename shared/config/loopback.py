"""Which host names mean this machine."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine's own, without asking DNS."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
