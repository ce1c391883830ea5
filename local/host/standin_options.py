"""How the stand-in runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.host.times import HostTimes


@dataclass(frozen=True, slots=True, kw_only=True)
class StandInOptions:
    """What the command line and the settings say.

    Attributes:
        app: folder of `function_app.py` and `host.json`.
        port: 0 for a free one.
        worker_count: worker processes side by side.
        settings: the app settings.
        times: see `HostTimes`.
        needs_keys: whether HTTP asks for keys, as in Azure; Core Tools asks for none.
        state_file: where to tell that it is ready.
    """

    app: Path
    port: int
    worker_count: int
    settings: Mapping[str, str]
    times: HostTimes
    needs_keys: bool
    state_file: Path | None
