"""Facts of how the app's settings are found and of apps that cannot be loaded."""

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
import requests

from local.host import FAST, HostStartError, RunningHost
from local.host.options import ROOT
from local.processes import free_port, is_listening, start_process
from tests.host_conformance.harness import SAMPLE_APP, HostHarness


def copy_app(folder: Path) -> Path:
    """Return a copy of the sample app that a test may change."""
    return Path(shutil.copytree(SAMPLE_APP, folder / "app"))


def test_missing_setting_puts_its_function_in_error(
    unusual_harness: HostHarness, unusual_host: RunningHost
) -> None:
    """`%NAME%` without a setting stops that function, not the others.

    Source: NET-B BlobTriggerAttributeBindingProvider.cs.
    """
    log = unusual_host.wait_for_log("does not resolve to a value", unusual_harness.patience)
    unusual_harness.send(unusual_harness.queue, "still works")

    assert "The 'ticked' function is in error" in log
    assert unusual_harness.wait_for_records("queued", text="still works")


def test_local_settings_are_read_and_environment_wins(
    unusual_harness: HostHarness, unusual_host: RunningHost
) -> None:
    """`Values` of local.settings.json are app settings; the environment overrides them.

    Source: Core Tools.
    """
    unusual_harness.send(unusual_harness.queue, "settings")
    (record,) = unusual_harness.wait_for_records("queued", text="settings")

    assert record["local_setting"] == "from the file"


def test_disabled_function_does_not_run(unusual_harness: HostHarness, unusual_host: RunningHost) -> None:
    """`AzureWebJobs.<name>.Disabled` stops a function.

    Source: DOC disable-function.md.
    """
    unusual_harness.upload(unusual_harness.event_container, "disabled")
    unusual_harness.post_events(unusual_host, unusual_harness.created("disabled"))
    unusual_harness.wait_for_empty(unusual_harness.control_queue, account=unusual_harness.host_account)

    assert not unusual_harness.records("announced")
    assert "Function announced is disabled" in unusual_host.log()


@pytest.mark.usefixtures("standin_only")
def test_app_that_does_not_load_is_an_error(own_harness: HostHarness, tmp_path: Path) -> None:
    """An import error leaves no function; starting the host fails with the reason.

    Core Tools word it in their own way.
    Source: RT handle_event.py.
    """
    app = copy_app(tmp_path)
    (app / "function_app.py").write_text("import no_such_module\n")

    with pytest.raises(HostStartError) as caught, own_harness.host(app=app):
        pass

    assert "No module named 'no_such_module'" in str(caught.value)


@pytest.mark.usefixtures("standin_only")
def test_host_without_functions_stays_up_until_the_app_loads(tmp_path: Path) -> None:
    """A host whose app does not load stays up, repeats the reason, and refuses requests at once.

    Core Tools word it in their own way.
    Source: HOST WebJobsScriptHostService.cs.
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
    url = f"http://127.0.0.1:{port}"
    try:
        host.wait_until(
            lambda: host.log().count("Worker failed to index functions") >= 2,
            timeout_seconds=30,
            what="reason repeated",
        )
        status = requests.get(f"{url}/admin/host/status", timeout=5).json()
        request = requests.post(f"{url}/runtime/webhooks/blobs", timeout=5)
        (app / "function_app.py").write_text("import azure.functions\napp = azure.functions.FunctionApp()\n")
        host.wait_until(lambda: "Host started" in host.log(), timeout_seconds=30, what="host started")
        repaired = requests.get(f"{url}/admin/host/status", timeout=5).json()
        os.kill(host.pid, signal.SIGTERM)
        exit_code = host.popen.wait(timeout=10)
    finally:
        host.stop()

    assert status["state"] == "Error"
    assert "ValueError: broken app" in status["errors"][0]
    assert request.status_code == 503
    assert repaired == {"state": "Running", "errors": []}
    assert exit_code == 0


@pytest.mark.usefixtures("standin_only")
def test_request_waits_until_the_host_is_ready(own_harness: HostHarness, tmp_path: Path) -> None:
    """A request that comes before the functions are loaded waits, up to 30 s, and is then answered.

    Shown by the answer to a missing key; Core Tools ask for none.
    Source: HOST Middleware/HostAvailabilityCheckMiddleware.cs.
    """
    port = free_port()
    command = (sys.executable, "-m", "local.host", "--app", str(SAMPLE_APP), "--host", "standin")
    host = start_process(
        [*command, "--port", str(port), "--times", FAST.to_json()],
        name="host",
        log_path=tmp_path / "log",
        env={**os.environ, **own_harness.settings},
        cwd=ROOT,
    )
    try:
        host.wait_until(lambda: is_listening(port), timeout_seconds=30, what="port open")
        request = requests.post(f"http://127.0.0.1:{port}/runtime/webhooks/blobs", timeout=30)
    finally:
        host.stop()

    assert request.status_code == 401
