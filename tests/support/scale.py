"""How much the fault tests do: little in `make test`, much in `make test-faults`."""

import os

IS_FULL = os.environ.get("FAULTS") == "full"


def scaled(short: int, full: int) -> int:
    """Return the number for the form that runs."""
    return full if IS_FULL else short
