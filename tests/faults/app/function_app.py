"""The product's own functions, with times that suit a test."""

import importlib.util
import os
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(_ROOT))

# By its path: this file has the same name.
_spec = importlib.util.spec_from_file_location("product", _ROOT / "function_app.py")
assert _spec is not None
assert _spec.loader is not None
product = importlib.util.module_from_spec(_spec)
# The runtime resolves annotations by module name.
sys.modules["product"] = product
_spec.loader.exec_module(product)

from shared.app import App  # noqa: E402  (the path is known only now)
from tests.support.times import FAST  # noqa: E402

vars(product)["BRIDGE"] = App(os.environ, timing=FAST)
app = product.app
