"""What was probably meant by a regular expression, the braces of a shell, or an impossible container."""

import json
import re
from collections.abc import Callable

from shared.model.container import CONTAINER_RULE, is_container

_REGEX = re.compile(r"^\^|\(\?|\.\*|\.\+|\\[dwsSDWb.]|\[\^|\[[a-z0-9]-[a-z0-9]\][+*]")
_FROM_REGEX: tuple[tuple[str, str], ...] = (
    (r"^\^|\$$", ""),
    (r"\(\?P?<(\w+)>[^()]*\)", r"{\1}"),
    (r"\\d\+?|\[0-9\]\+?", "*"),
    (r"\\\.|\[\.\]", "."),
    (r"(?:\.|\\w|\\S|\[[^\]]*\])[*+]\??", "*"),
)
_ANY_PATTERN = "landing/{name}.csv"
_ALTERNATIVES = re.compile(r"\{([^{},:]*(?:,[^{},:]*)+)\}")


def check_dialect(text: str, compiles: Callable[[str], object]) -> None:
    """Refuse a regular expression and the braces of a shell, which would be read as something else.

    Args:
        text: What was written as a pattern.
        compiles: Reads a pattern; raises ValueError.

    Raises:
        ValueError: With what was probably meant.
    """
    if _REGEX.search(text):
        msg = f"looks like a regular expression; a pattern is a path such as {_as_pattern(text, compiles)}"
        raise ValueError(msg)
    if found := _ALTERNATIVES.search(text):
        msg = f"has {found[0]}: a pattern has no alternatives; write {_instead(text, found)}"
        raise ValueError(msg)


def _instead(text: str, found: re.Match[str]) -> str:
    """Return what to write instead of the braces of a shell: endings are a filter, folders are routes."""
    start = text[: found.start()]
    if found.end() < len(text):
        return "one [[route]] for each, or a capture such as {name} there"
    dot = "." if start.endswith(".") else ""
    endings = json.dumps([f"{dot}{choice.strip()}" for choice in found[1].split(",")])
    start = start.removesuffix(".").removesuffix("*")
    return f"{start if '/' in start else f'landing/{start}'}*, and suffix = {endings}"


def _as_pattern(text: str, compiles: Callable[[str], object]) -> str:
    for regex, pattern in _FROM_REGEX:
        text = re.sub(regex, pattern, text)
    text = re.sub(r"\*{2,}", "*", text)
    if _REGEX.search(text):
        # `compiles` would come back here for each ^ that is left.
        return _ANY_PATTERN
    try:
        compiles(text)
    except ValueError:
        return _ANY_PATTERN
    return text


def no_container(text: str) -> str:
    """Return what is wrong with a pattern that has no `/`."""
    if re.search(r"[*.{]", text):
        return f"names no container: write landing/{text}, or **/{text} for every container and folder"
    return f"names only a container; write {text}/{{name}}, or {text}/** for all below"


def container_of(pattern: str) -> str:
    """Return the container that a pattern names; with captures and stars where it names none."""
    return pattern.partition("/")[0]


def container_fault(pattern: str) -> str | None:
    """Return why no account can have the container that a pattern names; None where one can."""
    container = container_of(pattern)
    if re.search(r"[{}*]", container):
        wrong = sorted(set(re.findall(r"[^a-z0-9$-]", re.sub(r"\{[^{}]*\}|\*", "", container))))
        return f"has {''.join(wrong)!a} in the container, which has {CONTAINER_RULE}" if wrong else None
    if is_container(container):
        return None
    near = container.lower().replace("_", "-")
    meant = f"; did you mean {near}?" if is_container(near) else ""
    return f"names the container {container!a}, which no account can have: it has {CONTAINER_RULE}{meant}"
