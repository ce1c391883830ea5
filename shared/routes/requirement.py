"""`Requirement`: the name of a companion, from the name of the file that needs it, and back."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.routes.matcher import AnyPath, Literal, Step, Subject
from shared.routes.pattern import Pattern
from shared.routes.template import compile_template


@dataclass(frozen=True, slots=True)
class Requirement:
    """One text of a route's `requires`: it inserts the captures of `match` as they stand in the file's name.

    Attributes:
        match: Of the route.
        companion: The text as a pattern, with the types that `match` gives its captures.
    """

    match: Pattern
    companion: Pattern

    def companion_of(self, path: str) -> str:
        """Return the companion's `container/name` for a file's, which must match."""
        return _rendered(self.companion, self.match.texts(Subject(path)) or {})

    def file_of(self, path: str) -> str | None:
        """Return the file's `container/name` for a companion's; None for a blob that is no companion."""
        texts = self.companion.texts(Subject(path))
        if texts is None:
            return None
        file = _rendered(self.match, texts)
        # Captures may be told apart in more than one way.
        is_right = self.match.texts(Subject(file)) is not None and self.companion_of(file) == path
        return file if is_right else None


def compile_requirement(text: str, match: Pattern) -> Requirement:
    """Read one text of `requires`.

    Raises:
        ValueError: What is wrong with it and what to write instead.
    """
    template = compile_template(text, match.captures, event_fields=False)
    if "/" not in text or text.startswith("/"):
        msg = "must be a path such as container/folder/{name}.done"
        raise ValueError(msg)
    if not all(name or isinstance(step, Literal) for step, name in match.steps):
        msg = f"cannot lead back to the file: give each * of match = {match.text!r} a name, such as {{name}}"
        raise ValueError(msg)
    if missing := [name for name in match.captures if name not in template.names]:
        msg = (
            f"lacks {{{missing[0]}}}: it must hold every capture of match, so that a companion which comes "
            "last leads back to its file"
        )
        raise ValueError(msg)
    paths = [name for name in template.names if isinstance(match.captures[name], AnyPath)]
    if len(paths) > len(set(paths)) or any(not fixed for fixed, name in template.tokens[1:] if name):
        msg = "cannot lead back to the file: it holds a path twice, or has no text between two captures"
        raise ValueError(msg)
    steps: list[tuple[Step, str | None]] = []
    for fixed, name in template.tokens:
        if fixed:
            steps.append((Literal(fixed), None))
        if name:
            steps.append((match.captures[name], name))
    companion = Pattern(text, tuple(steps))
    if companion.steps == match.steps:
        msg = "is the file itself"
        raise ValueError(msg)
    return Requirement(match, companion)


def _rendered(pattern: Pattern, texts: Mapping[str, str]) -> str:
    return "".join(
        step.text if isinstance(step, Literal) else texts[name or ""] for step, name in pattern.steps
    )
