"""Facts of how the app's settings are found and of apps that cannot be loaded."""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
import requests

from local.host import FAST, HostStartError
from local.host.options import ROOT
from local.processes import free_port, start_process
from tests.host_conformance.stage import SAMPLE_APP, Stage


def copy_app(folder: Path) -> Path:
    """Return a copy of the sample app that a test may change."""
    return Path(shutil.copytree(SAMPLE_APP, folder / "app"))


def test_missing_setting_puts_its_function_in_error(own_stage: Stage) -> None:
    """`%NAME%` without a setting stops that function, not the others.

    Source: NET-B BlobTriggerAttributeBindingProvider.cs.
    """
    with own_stage.host({"STREAM_CONTAINER": ""}) as host:
        log = host.wait_for_log("does not resolve to a value", own_stage.patience)
        own_stage.send(own_stage.queue, "still works")

        assert "streamed" in log
        assert own_stage.wait_for_records("queued", text="still works")


def test_local_settings_are_read_and_environment_wins(own_stage: Stage, tmp_path: Path) -> None:
    """`Values` of local.settings.json are app settings; the environment overrules them.

    Source: Core Tools.
    """
    app = copy_app(tmp_path)
    values = {"SLOW_SECONDS": "0", "QUEUE": "never-used", "STREAM_CONTAINER": own_stage.stream_container}
    (app / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    with own_stage.host(app=app):
        own_stage.send(own_stage.queue, "slow but not slow")

        assert own_stage.wait_for_records("queued", text="slow but not slow")


@pytest.mark.usefixtures("standin_only")
def test_app_that_does_not_load_is_said_loudly(own_stage: Stage, tmp_path: Path) -> None:
    """An import error leaves no function; the host says so again and again.

    Core Tools word it in their own way.
    Source: RT handle_event.py.
    """
    app = copy_app(tmp_path)
    (app / "function_app.py").write_text("import no_such_module\n")

    with pytest.raises(HostStartError) as caught, own_stage.host(app=app):
        pass

    assert "No module named 'no_such_module'" in str(caught.value)


@pytest.mark.usefixtures("standin_only")
def test_host_without_functions_keeps_saying_so(tmp_path: Path) -> None:
    """A host whose app does not load stays up, repeats the reason, and its status is an error.

    Core Tools word it in their own way.
    Source: HOST.
    """
    app = copy_app(tmp_path)
    (app / "function_app.py").write_text("raise ValueError('broken app')\n")
    port = free_port()
    command = (sys.executable, "-m", "local.host", "--app", str(app), "--host", "standin")
    host = start_process(
        [*command, "--port", str(port), "--times", FAST.to_json()],
        name="host",
        log_path=tmp_path / "log",
        cwd=ROOT,
    )
    try:
        host.wait_until(
            lambda: host.log().count("ValueError: broken app") >= 4 or None,
            timeout_seconds=30,
            what="reason repeated",
        )
        status = requests.get(f"http://127.0.0.1:{port}/admin/host/status", timeout=5).json()
        request = requests.get(f"http://127.0.0.1:{port}/api/open", timeout=5)
        os.kill(host.pid, signal.SIGTERM)
        exit_code = host.popen.wait(timeout=10)
    finally:
        host.stop()

    assert status["state"] == "Error"
    assert "broken app" in status["errors"][0]
    assert request.status_code == 503
    assert exit_code == 1


@pytest.mark.usefixtures("standin_only")
def test_disabled_function_does_not_run(own_stage: Stage) -> None:
    """`AzureWebJobs.<name>.Disabled` stops a function.

    Source: DOC disable-function.md; a dot is no name in some shells.
    """
    with own_stage.host({"AzureWebJobs.queued.Disabled": "true"}) as host:
        own_stage.send(own_stage.queue, "ignored")
        own_stage.upload(own_stage.scan_container, "other")
        own_stage.wait_for_records("scanned", blob="other")
        log = host.log()

    assert not own_stage.records("queued")
    assert "Function queued is disabled" in log
