"""Build the package that is deployed: `python -m local.package [--output app.zip]`.

The same files give the same bytes. azd makes its own archive of the same files; a pipeline that must deploy
exactly what was tested uses this one: `azd deploy --from-package app.zip`.
"""

import argparse
import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

from infra.hooks.package import FOLDER, install

ROOT = Path(__file__).parents[1]
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16


def files(root: Path) -> Iterator[Path]:
    """Yield what .funcignore leaves in, relative to the folder of the app, in a fixed order."""
    ignored = GitIgnoreSpec.from_lines((root / ".funcignore").read_text(encoding="utf-8").splitlines())
    # Only these two folders can hold anything that is left in; the others may be large.
    places = [*root.iterdir(), *(root / "shared").rglob("*"), *(root / FOLDER).rglob("*")]
    found = {path.relative_to(root) for path in places if path.is_file()}
    yield from sorted(path for path in found if not ignored.match_file(path.as_posix()))


def build(root: Path, output: Path) -> str:
    """Write the archive; return its SHA-256. Install the packages first, where they are missing.

    Raises:
        HookError: The packages cannot be installed.
    """
    install(root)
    with zipfile.ZipFile(output, "w") as archive:
        for path in files(root):
            info = zipfile.ZipInfo(path.as_posix(), _EPOCH)
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, _MODE
            archive.writestr(info, (root / path).read_bytes())
    return hashlib.sha256(output.read_bytes()).hexdigest()


def main() -> None:
    """Build the package and print its SHA-256."""
    parser = argparse.ArgumentParser(prog="python -m local.package", description="Build the package.")
    parser.add_argument("--output", type=Path, default=Path("app.zip"))
    output = parser.parse_args().output
    print(f"{build(ROOT, output)}  {output}")


if __name__ == "__main__":
    main()
