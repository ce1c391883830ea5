"""The protocols, searched exhaustively: no violation with all guards, and one without each of them."""

import os
import re
from pathlib import Path

import pytest

from tests.model_check.spin import search
from tests.support.pages import ROOT, is_there, names, tables

FOLDER = ROOT / "docs/model"
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")
MODELS = sorted(path.stem for path in FOLDER.glob("*.pml"))
IS_FULL = os.environ.get("MODEL") == "full"

SEARCHES = tables(PAGE, "Model", "Short form", "States", "Long form", "States")
GUARDS = tables(PAGE, "Model", "Guard", "Without it", "What happens")
STEPS = tables(PAGE, "Model", "Step", "Functions", "Interrupted by")


def _text(model: str) -> str:
    return (FOLDER / f"{model}.pml").read_text(encoding="utf-8")


def _flags(model: str, *, is_full: bool) -> tuple[list[str], int]:
    [(_, short, short_states, long, long_states)] = [row for row in SEARCHES if row[0] == f"`{model}`"]
    cell, states = (long, long_states) if is_full else (short, short_states)
    return " ".join(names(cell)).split(), int(states.replace(",", ""))


def _guards(model: str) -> set[str]:
    """Return what the model asks the preprocessor for, other than its own numbers."""
    text = _text(model)
    asked = set(re.findall(r"^#ifn?def (\w+)", text, re.MULTILINE))
    return asked - set(re.findall(r"^#ifndef (\w+)\n#define \1\b", text, re.MULTILINE))


@pytest.mark.stack
@pytest.mark.timeout(3600 if IS_FULL else 300)
@pytest.mark.parametrize("model", MODELS)
def test_model_has_no_violation(model: str, tmp_path: Path) -> None:
    """All of its states are searched, and their number is that of the page."""
    flags, states = _flags(model, is_full=IS_FULL)

    found = search(FOLDER / f"{model}.pml", flags, tmp_path)

    assert found.is_safe, found.text
    assert found.states == states, "docs/model/README.md has another number of states: look at both"


@pytest.mark.stack
@pytest.mark.parametrize(("model", "guard"), [(names(row[0])[0], names(row[1])[0]) for row in GUARDS])
def test_model_without_a_guard_has_a_violation(model: str, guard: str, tmp_path: Path) -> None:
    """So the search can fail, and the guard is needed."""
    flags, _ = _flags(model, is_full=False)

    found = search(FOLDER / f"{model}.pml", [*flags, f"-D{guard}"], tmp_path)

    assert not found.is_safe


@pytest.mark.parametrize("model", MODELS)
def test_guards_of_a_model_are_on_its_page(model: str) -> None:
    """Each is searched without, and its reader is told what happens then."""
    on_page = {names(row[1])[0] for row in GUARDS if row[0] == f"`{model}`"}

    assert on_page == _guards(model)


@pytest.mark.parametrize("model", MODELS)
def test_steps_of_a_model_are_on_its_page(model: str) -> None:
    """Each process and each inline is a function of the code, or a part of the world around it."""
    steps = set(re.findall(r"^(?:active )?(?:inline|proctype) (\w+)", _text(model), re.MULTILINE))
    on_page = {step for row in STEPS if row[0] == f"`{model}`" for step in names(row[1])}

    assert on_page == steps


def test_functions_and_tests_of_the_steps_are_there() -> None:
    """A function that was renamed, or a test that went, takes its step out of the model's reach."""
    named = [name for row in STEPS for name in names(row[2]) + names(row[3])]

    assert named
    assert [name for name in named if not is_there(name)] == []
