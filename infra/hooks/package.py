"""The `prepackage` hook: put the locked packages beside the code, as the app finds them in Azure.

Azure's own build has used another Python than the app's (https://github.com/Azure/azure-dev/issues/8538).
The wheels are those for Linux on x86-64, whatever this machine is. They are only unpacked, so the result is
always the same.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TextIO

from infra.hooks.azure_cli import HookError

ROOT = Path(__file__).parents[2]
FOLDER = ".python_packages"
SITE_PACKAGES = f"{FOLDER}/lib/site-packages"
DOWNLOAD_TIMEOUT_SECONDS = 900

_PYTHON_TAGS = ("--python-version", "3.13", "--implementation", "cp")
_ABIS = ("--abi", "cp313", "--abi", "abi3", "--abi", "none")
PLATFORM = "manylinux2014_x86_64"


def install(root: Path) -> bool:
    """Unpack the wheels of requirements.txt below the folder of the app.

    Returns:
        False if the packages of this requirements.txt are there already.

    Raises:
        HookError: A wheel cannot be downloaded, or its hash is another one.
    """
    requirements = root / "requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    stamp = root / FOLDER / "requirements.sha256"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == digest:
        return False
    target = root / SITE_PACKAGES
    with tempfile.TemporaryDirectory() as folder:
        _download(requirements, Path(folder))
        shutil.rmtree(root / FOLDER, ignore_errors=True)
        target.mkdir(parents=True)
        for wheel in sorted(Path(folder).glob("*.whl")):
            _unpack(wheel, target)
    stamp.write_text(digest, encoding="utf-8")
    return True


def _download(requirements: Path, folder: Path) -> None:
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check")
    exact = ("--require-hashes", "--no-deps", "--only-binary", ":all:")
    done = subprocess.run(
        [
            *(*pip, *exact, "--platform", PLATFORM, *_PYTHON_TAGS, *_ABIS),
            *("--dest", str(folder), "--requirement", str(requirements)),
        ],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=DOWNLOAD_TIMEOUT_SECONDS,
    )
    if done.returncode:
        msg = (
            f"The packages of requirements.txt cannot be downloaded with pip:\n{done.stderr.strip()[-2000:]}"
        )
        raise HookError(msg)


def _unpack(wheel: Path, target: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        # Such files go elsewhere than into site-packages; none of the locked wheels has any.
        if any(".data/" in name for name in archive.namelist()):
            msg = f"{wheel.name} has files outside of site-packages, which this hook does not place."
            raise HookError(msg)
        archive.extractall(target)


def main(screen: TextIO) -> int:
    """Install the packages; print the reason and return 1 if that fails."""
    try:
        done = install(ROOT)
    except (HookError, OSError, subprocess.TimeoutExpired) as error:
        print(error, file=screen)
        return 1
    print(f"{SITE_PACKAGES}: {'installed' if done else 'already installed'}", file=screen)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.stderr))
