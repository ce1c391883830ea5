"""Patterns over container/blob: the tables below are their documentation."""

import re
from datetime import UTC, date, datetime
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.routes.matcher import Subject
from shared.routes.pattern import MAX_LENGTH, compile_pattern


def match(pattern: str, path: str) -> dict[str, object] | None:
    """Match once."""
    return compile_pattern(pattern).match(Subject(path))


MATCHES = [
    # A capture is one or more characters inside one folder.
    ("my-data/{name}", "my-data/a.csv", {"name": "a.csv"}),
    ("my-data/{folder}/{name}.csv", "my-data/in/a.csv", {"folder": "in", "name": "a"}),
    # Several captures in one name: those on the left take as much as they can, as in a binding.
    ("d/{name}.{ext}", "d/report.v2.csv", {"name": "report.v2", "ext": "csv"}),
    ("d/{a}--{b}", "d/1--2--3", {"a": "1--2", "b": "3"}),
    # ... but never so much that the rest could not match.
    ("d/{id:int}-{rest}.csv", "d/5-x-y.csv", {"id": 5, "rest": "x-y"}),
    ("d/{x}-{n:int}-{y}", "d/a-5-b-c", {"x": "a", "n": 5, "y": "b-c"}),
    ("d/{a:int}1{b:int}", "d/1111", {"a": 11, "b": 1}),
    # Types.
    ("d/{n:int}", "d/007", {"n": 7}),
    ("d/{n:int}", "d/99999999999999999999", {"n": 99_999_999_999_999_999_999}),
    ("d/{day:date}.csv", "d/2024-02-29.csv", {"day": date(2024, 2, 29)}),
    ("d/{day:date:yyyyMMdd}_{n}", "d/20260131_x_y", {"day": date(2026, 1, 31), "n": "x_y"}),
    ("d/{day:date:yyyyMMdd}{n:int}", "d/202601317", {"day": date(2026, 1, 31), "n": 7}),
    ("d/{day:date:ddMMyyyy}", "d/31012026", {"day": date(2026, 1, 31)}),
    ("d/{month:date:yyyy-MM}", "d/2026-03", {"month": date(2026, 3, 1)}),
    (
        "d/{at:date:yyyyMMddTHHmmss}",
        "d/20260131T235958",
        {"at": datetime(2026, 1, 31, 23, 59, 58, tzinfo=UTC)},
    ),
    # A date may cross folders, because its layout says so.
    ("d/{day:date:yyyy/MM/dd}/{name}", "d/2026/01/31/a", {"day": date(2026, 1, 31), "name": "a"}),
    (
        "d/{day:date:year=yyyy/month=MM/day=dd}/**",
        "d/year=2026/month=01/day=31/x/y",
        {"day": date(2026, 1, 31)},
    ),
    # A single letter of a layout is a number with or without a zero in front.
    (
        "d/{day:date:year=yyyy/month=M/day=d}/{name}",
        "d/year=2026/month=1/day=5/a",
        {"day": date(2026, 1, 5), "name": "a"},
    ),
    ("d/{day:date:year=yyyy/month=M/day=d}/a", "d/year=2026/month=12/day=31/a", {"day": date(2026, 12, 31)}),
    ("d/{day:date:yyyy-M-d}{n:int}", "d/2026-1-123", {"day": date(2026, 1, 12), "n": 3}),
    ("d/{day:date:yyyy-M-d}{n:int}", "d/2026-1-329", {"day": date(2026, 1, 3), "n": 29}),
    ("d/{at:date:yyyy-M-d/H}/a", "d/2026-1-05/7/a", {"at": datetime(2026, 1, 5, 7, tzinfo=UTC)}),
    # `path` crosses folders.
    ("d/{rest:path}", "d/a/b/c.csv", {"rest": "a/b/c.csv"}),
    ("d/{rest:path}.csv", "d/a/b.csv.csv", {"rest": "a/b.csv"}),
    ("d/{a:path}/x/{b}", "d/p/x/q/x/r", {"a": "p/x/q", "b": "r"}),
    # Stars have no name; ** stands for whole folders, also for none.
    ("d/*.csv", "d/a.csv", {}),
    ("d/*.csv", "d/.csv", {}),
    ("d/*/{name}", "d/in/a", {"name": "a"}),
    ("**", "d/a/b", {}),
    ("d/**", "d/a/b", {}),
    ("d/**/{name}.csv", "d/a.csv", {"name": "a"}),
    ("d/**/{name}.csv", "d/x/y/a.csv", {"name": "a"}),
    ("**/raw/**/{name}", "d/x/raw/y/a", {"name": "a"}),
    # The container can be a capture too.
    ("{container}/in/{name}", "d/in/a", {"container": "d", "name": "a"}),
    # Two braces are one; nothing else has a meaning.
    ("d/{{x}}/{name}", "d/{x}/a", {"name": "a"}),
    ("d/[a-z]?.$(x)|^", "d/[a-z]?.$(x)|^", {}),
    # Names are not normalised, and any character is data.
    ("d/{name}", "d/\n\u0000\U0001f600", {"name": "\n\u0000\U0001f600"}),
    ("d/e\u0301", "d/e\u0301", {}),
]

MISSES = [
    ("my-data/{name}", "my-data/in/a.csv", "write {name:path}"),
    ("my-data/*", "my-data/in/a.csv", "write {name:path} (or **)"),
    ("my-data/{name}", "my-data/", "folders and fixed texts differ"),
    ("my-data/*/a", "my-data//a", "folders and fixed texts differ"),
    ("my-data/{name}", "my-data2/a", "does not begin with 'my-data/'"),
    ("my-data/{name}", "My-Data/a", "other letter case"),
    ("d/{name}.csv", "d/a.CSV", "does not end with '.csv'"),
    ("d/{n:int}", "d/-7", "cannot be"),
    ("d/{n:int}", "d/\u0667", "cannot be"),
    ("d/{n:int}", "d/" + "1" * 21, "cannot be"),
    ("d/{day:date}", "d/2026-02-29", "cannot be"),
    ("d/{day:date}", "d/0000-01-01", "cannot be"),
    ("d/{day:date:yyyy-M-d}", "d/2026-2-30", "cannot be"),
    ("d/{day:date:yyyy-M-d}", "d/2026-002-3", "cannot be"),
    ("d/{at:date:yyyyMMddHH}", "d/2026013124", "cannot be"),
    ("d/{a}-{b}", "d/-b", "folders and fixed texts differ"),
    ("d/e\u0301", "d/\u00e9", "does not begin with"),
    ("**/x", "d/ax", "folders and fixed texts differ"),
]


@pytest.mark.parametrize(("pattern", "path", "captures"), MATCHES)
def test_path_that_fits_gives_its_parts(pattern: str, path: str, captures: dict[str, object]) -> None:
    """The whole path must fit; typed captures come as their types."""
    assert captures == match(pattern, path)


@pytest.mark.parametrize(("pattern", "path", "why"), MISSES)
def test_path_that_does_not_fit_says_why(pattern: str, path: str, why: str) -> None:
    """No match, and a reason that a person can act on."""
    assert match(pattern, path) is None
    assert why in compile_pattern(pattern).why_not(Subject(path))


def test_values_of_parts_have_their_types() -> None:
    """A number is an int and a day a date, not a datetime."""
    values = match("d/{n:int}/{day:date}/{at:date:yyyy-MM-dd-HH}", "d/1/2026-01-31/2026-01-31-05")

    assert values is not None
    assert [int, date, datetime] == [type(value) for value in values.values()]


# -- Against independent matchers --

LETTERS = st.text("ab1-.", min_size=1, max_size=6)
PATHS = st.lists(LETTERS.filter(lambda name: name not in {".", ".."}), min_size=2, max_size=6).map("/".join)

PIECES = [("{%s}", "([^/]+)"), ("{%s:int}", "([0-9]{1,20})"), ("{%s:path}", "((?s:.)+)"), ("*", "[^/]*")]


@st.composite
def regex_twins(draw: st.DrawFn) -> tuple[str, str]:
    """Return a pattern and the regular expression that means the same."""
    pattern, regex = "a/", "a/"
    for index in range(draw(st.integers(1, 5))):
        if pattern.endswith("/") and draw(st.booleans()):
            pattern, regex = f"{pattern}**/", f"{regex}(?:(?s:.)*/)?"
        ours, theirs = draw(st.sampled_from(PIECES))
        fixed = draw(st.text("ab1-/", min_size=1, max_size=2)).replace("//", "/")
        if ours == "*":  # alone in a folder it must not be empty; see the globs below
            fixed = fixed.replace("/", "-") + "b"
            pattern, regex = pattern + "a", regex + "a"
        if "%s" in ours:
            ours = ours % f"p{index}"
        pattern, regex = pattern + ours + fixed, regex + theirs + re.escape(fixed)
    pattern, regex = pattern.rstrip("/"), regex.rstrip("/")
    return pattern, regex


@settings(max_examples=1_000, deadline=None)
@given(twin=regex_twins(), data=st.data())
def test_pattern_and_regular_expression_agree(twin: tuple[str, str], data: st.DataObject) -> None:
    """The same paths match, with the same captures, as with the greedy groups of a regular expression."""
    pattern, regex = twin
    path = data.draw(st.one_of(st.from_regex(regex, fullmatch=True, alphabet="ab1-./"), PATHS), label="path")
    expected = re.fullmatch(regex, path)

    actual = match(pattern, path)

    assert (expected is not None) == (actual is not None)
    if expected and actual is not None:
        given_values = [str(value).lstrip("0") for value in actual.values()]
        assert [group.lstrip("0") for group in expected.groups()] == given_values


GLOBS = st.lists(
    st.one_of(
        st.just("**"), st.just("*"), st.text("ab*", min_size=1, max_size=5).filter(lambda g: "**" not in g)
    ),
    min_size=2,
    max_size=6,
).map("/".join)


@settings(max_examples=1_000, deadline=None)
@given(glob=GLOBS, path=st.lists(st.text("ab", min_size=1, max_size=4), min_size=2, max_size=6).map("/".join))
def test_stars_and_pathlib_agree(glob: str, path: str) -> None:
    """`*` and `**` mean what they mean in pathlib, but that a last `**` needs something there."""
    expected = PurePosixPath(path).full_match(glob)
    if glob.endswith("/**"):
        expected = PurePosixPath(path).full_match(f"{glob}/*")

    assert expected == (match(glob, path) is not None)


# -- Refused patterns --

WRONG = [
    ("d", "write d/{name}, or d/**"),
    ("{container}", "write landing/{container}"),
    ("/d/{x}", "without a / in front"),
    ("d//{x}", "without //"),
    ("d\\{x}", "without \\"),
    ("d/in/", "ends with /"),
    ("d/{a}{b}", "side by side"),
    ("d/{a}*", "side by side"),
    ("d/{a}-{a}", "names the capture {a} twice"),
    ("d/{1a}", "not begin with a digit"),
    ("d/{}", "letters, digits and _"),
    ("d/{n:float}", "'float' is not a type"),
    ("d/{n:}", "is not a type"),
    ("d/{n:int:3}", "only a date has a layout"),
    ("d/{n:date:dd}", "needs yyyy"),
    ("d/{n:date:yyyydd}", "needs yyyy"),
    ("d/{n:date:yyyyyyyyMM}", "each once, none"),
    ("d/{a", "has an unmatched {"),
    ("d/a}", "has an unmatched }"),
    ("d/a**", "** stands for whole folders"),
    ("d/***/a", "** stands for whole folders"),
    ("d/" + "-".join(f"{{p{n}}}" for n in range(33)), "more than 32"),
    ("d/" + "a" * MAX_LENGTH, "the limit is 2048"),
]


@pytest.mark.parametrize(("pattern", "message"), WRONG)
def test_wrong_pattern_is_refused_with_what_to_write(pattern: str, message: str) -> None:
    """What cannot be meant is refused when the file is read, not when a blob arrives."""
    with pytest.raises(ValueError, match=re.escape(message)):
        compile_pattern(pattern)
