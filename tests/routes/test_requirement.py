"""From a file to its companion and back, by names alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.routes.matcher import Subject
from shared.routes.pattern import compile_pattern
from shared.routes.reader import read_routes
from shared.routes.requirement import Requirement, compile_requirement

PARTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("match", "requires", "file", "companion"),
    [
        ("landing/{f}.csv", "landing/{f}.csv.done", "landing/a.b.csv", "landing/a.b.csv.done"),
        ("in/{n:int}-{f}.csv", "ok/{f}/{n}", "in/007-a.csv", "ok/a/007"),
        ("in/{d:date:yyyyMMdd}/{f}", "in/{d}/{f}.md5", "in/20261120/a", "in/20261120/a.md5"),
        ("in/{p:path}.csv", "done/{p}.ok", "in/a/b.csv", "done/a/b.ok"),
        ("in/{{x}}/{f}", "in/{{y}}/{f}", "in/{x}/a", "in/{y}/a"),
    ],
)
def test_companion_leads_back_to_its_file(match: str, requires: str, file: str, companion: str) -> None:
    """Captures are inserted as they stand in the name: leading zeros and layouts of dates stay."""
    requirement = compile_requirement(requires, compile_pattern(match))

    assert requirement.companion_of(file) == companion
    assert requirement.file_of(companion) == file


@pytest.mark.parametrize("text", ["done/{p}/{p}/{n}", "done/{p}{n}"])
def test_companion_that_cannot_be_told_apart_is_refused(text: str) -> None:
    """Its event would not find the file."""
    with pytest.raises(ValueError, match="cannot lead back to the file"):
        compile_requirement(text, compile_pattern("in/{p:path}-{n:int}.csv"))


@pytest.mark.parametrize(
    "path", ["landing/a.done", "landing/x/a.csv.done", "other/a.csv.done", "landing/.csv.done"]
)
def test_other_blob_is_no_companion(path: str) -> None:
    """Nor is one whose captures do not fit their types."""
    assert (
        compile_requirement("landing/{f}.csv.done", compile_pattern("landing/{f}.csv")).file_of(path) is None
    )


def test_name_whose_captures_differ_is_no_companion() -> None:
    """A capture that stands twice in the companion is the same twice."""
    requirement = compile_requirement("done/{f}/{f}", compile_pattern("in/{f}"))

    assert requirement.file_of("done/a/a") == "in/a"
    assert requirement.file_of("done/a/b") is None


@given(first=PARTS, second=PARTS)
def test_whoever_is_found_has_this_companion(first: str, second: str) -> None:
    """Whatever the names are: nobody is told of a companion that is not theirs."""
    match = compile_pattern("in/{a}-{b}.csv")
    requirement = compile_requirement("ok/{b}_{a}", match)

    file = requirement.file_of(f"ok/{second}_{first}")

    if file is not None:
        assert match.match(Subject(file)) is not None
        assert requirement.companion_of(file) == f"ok/{second}_{first}"


def test_thousand_routes_in_one_folder_are_not_all_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event of the app asks whose companion its blob is."""
    routes = read_routes(
        "".join(
            f'[[route]]\nname = "r{n}"\nmatch = "landing/{{c}}/{{f}}.feed{n}"\ndag_id = "d"\n'
            f'requires = "landing/{{c}}/{{f}}.done{n}"\n'
            for n in range(1_000)
        ),
        origin="test",
    )
    tried: list[str] = []
    file_of = Requirement.file_of

    def counted(requirement: Requirement, path: str) -> str | None:
        tried.append(path)
        return file_of(requirement, path)

    monkeypatch.setattr(Requirement, "file_of", counted)

    assert [file for _, file in routes.files_of("landing/acme/a.done777")] == ["landing/acme/a.feed777"]
    assert routes.files_of("landing/acme/a.csv") == []
    assert len(tried) == 1
