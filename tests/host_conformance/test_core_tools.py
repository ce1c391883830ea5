"""How Core Tools are chosen and started; a script stands in their place, so no host is needed."""

import os
from pathlib import Path

import pytest

from local.host import HostOptions, start_host
from local.host.options import HostKind
from local.processes import ProcessError
from tests.host_conformance.harness import SAMPLE_APP


@pytest.mark.parametrize("kind", ["auto", "func"])
def test_func_on_the_path_is_started_in_the_app(tmp_path: Path, kind: HostKind) -> None:
    """With `func` on the PATH, `func start` runs in the app's folder with a port and this Python."""
    func = tmp_path / "func"
    func.write_text('#!/bin/sh\necho "called: $*"; pwd\nenv | grep -i python\nexit 3\n')
    func.chmod(0o755)
    path = os.pathsep.join((str(tmp_path), os.environ["PATH"]))
    options = HostOptions(
        app=SAMPLE_APP, host=kind, environment={"PATH": path}, workers=2, log_path=tmp_path / "log"
    )

    with pytest.raises(ProcessError, match="ended with code 3") as caught:
        start_host(options)
    log = str(caught.value)

    assert "called: start --port " in log
    assert str(SAMPLE_APP) in log
    assert "FUNCTIONS_WORKER_RUNTIME=python" in log
    assert "languageWorkers__python__defaultExecutablePath=" in log


def test_missing_func_is_named(tmp_path: Path) -> None:
    """Asked for Core Tools where there are none, it says what to install."""
    options = HostOptions(
        app=SAMPLE_APP, host="func", environment={"PATH": str(tmp_path)}, log_path=tmp_path / "log"
    )

    with pytest.raises(ProcessError, match="npm install -g azure-functions-core-tools@4"):
        start_host(options)
