"""A missing part is a skip that says what to install, and red in CI."""

import pytest

from tests.support.missing import missing


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_missing_part_is_a_skip_and_in_ci_a_failure(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    """A skip in CI would hide for ever what never ran."""
    monkeypatch.setenv("CI", ci)

    with pytest.raises(outcome, match="install it"):
        missing("It is missing: install it")
