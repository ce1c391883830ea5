"""What README and docs/guarantees.md promise has something that shows it: docs/claims.md names it."""

import re

import pytest

from tests.support.pages import ROOT, is_there, names

PROMISES = {
    "README.md": {"Blob to DAG", "What a DAG gets", "When things fail"},
    "docs/guarantees.md": None,
}
"""The sections that promise something; all where it is None."""

NO_PROMISES = {"What is not ours to prevent"}
DEFINITION = "Not a promise"

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def _plain(text: str) -> str:
    return " ".join(_LINK.sub(r"\1", text).split())


def _promises(page: str) -> list[str]:
    """Return each row of a table and each paragraph of the sections that promise something."""
    wanted = PROMISES[page]
    text = re.sub(
        r"```.*?```|<picture>.*?</picture>", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL
    )
    found: list[str] = []
    for section in re.split(r"^#+ ", text, flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        if title in NO_PROMISES or (wanted is not None and title not in wanted):
            continue
        for block in re.split(r"\n\s*\n", body.strip()):
            if block.startswith("|"):
                rows = block.splitlines()[2:]
                found += [
                    " → ".join(filter(None, map(str.strip, row.strip("| ").split(" | ")))) for row in rows
                ]
            elif block:
                found.append(block)
    return [_plain(each) for each in found]


def _claims() -> dict[str, str]:
    """Return by promise what shows it."""
    found: dict[str, str] = {}
    promise = ""
    for block in re.split(r"\n\s*\n", (ROOT / "docs/claims.md").read_text(encoding="utf-8")):
        if block.startswith("> "):
            promise = _plain(re.sub(r"^> ?", "", block, flags=re.MULTILINE))
        elif promise:
            found[promise], promise = block, ""
    return found


CLAIMS = _claims()


@pytest.mark.parametrize("page", PROMISES)
def test_each_promise_is_a_claim_word_by_word(page: str) -> None:
    """A promise that is new or was changed needs a look at what shows it."""
    promises = _promises(page)

    assert len(promises) > 5
    assert [each for each in promises if each not in CLAIMS] == []


def test_each_claim_is_promised() -> None:
    """What is not promised any more is no claim."""
    promised = {each for page in PROMISES for each in _promises(page)}

    assert [claim for claim in CLAIMS if claim not in promised] == []


def test_what_shows_a_claim_is_there() -> None:
    """Each claim has a test, a benchmark or a model; one that was renamed or has gone shows nothing."""
    shown = {claim: [name for name in names(shows) if "/" in name] for claim, shows in CLAIMS.items()}
    empty = [claim for claim, by in shown.items() if not by and not CLAIMS[claim].startswith(DEFINITION)]
    gone = [name for by in shown.values() for name in by if not is_there(name)]

    assert (empty, gone) == ([], [])


def test_guards_that_are_named_are_guards() -> None:
    """Their models are searched without them."""
    page = (ROOT / "docs/model/README.md").read_text(encoding="utf-8")
    named = {name for shows in CLAIMS.values() for name in names(shows) if name.startswith("NO_")}

    assert [guard for guard in named if f"| `{guard}` |" not in page] == []
