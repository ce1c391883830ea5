"""What a test does whose part of the stack is not installed."""

import os
from typing import NoReturn

import pytest


def missing(what: object) -> NoReturn:
    """Skip the test and say what to install; in CI it fails, for there nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} (in CI nothing may be missing)")
    pytest.skip(str(what))
