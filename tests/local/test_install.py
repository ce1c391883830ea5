"""Installing happens once, and again when it was cut short or its sources changed."""

from pathlib import Path

import pytest

from local.install import _install_once


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a file that pins what is installed."""
    path = tmp_path / "requirements.txt"
    path.write_text("part==1\n")
    return path


def test_installed_part_is_not_installed_again(tmp_path: Path, source: Path) -> None:
    """A second `make demo` is quick."""
    times: list[int] = []
    for _ in range(3):
        _install_once(tmp_path / "part", what="part", sources=[source], install=lambda: times.append(1))

    assert len(times) == 1


def test_changed_lock_file_is_installed_into_an_empty_folder(tmp_path: Path, source: Path) -> None:
    """Nothing of the old version stays."""
    folder = tmp_path / "part"
    _install_once(folder, what="part", sources=[source], install=(folder / "old").touch)
    source.write_text("part==2\n")
    _install_once(folder, what="part", sources=[source], install=(folder / "new").touch)

    assert {path.name for path in folder.iterdir()} == {"new", "installed"}


def test_interrupted_installation_is_done_again(tmp_path: Path, source: Path) -> None:
    """A half-installed part never counts as installed."""
    folder = tmp_path / "part"

    def interrupted() -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _install_once(folder, what="part", sources=[source], install=interrupted)
    _install_once(folder, what="part", sources=[source], install=(folder / "whole").touch)

    assert {path.name for path in folder.iterdir()} == {"whole", "installed"}
