"""The path of a blob trigger: a container and a pattern for the names of its blobs.

Source: NET-B BlobPathSource.cs, SDK BindingTemplateToken.cs: `{x}` matches anything, `/` too; literals
are matched with case; the container without. A name with a line feed inside matches no `{x}`
(SDK BindingTemplateSource.cs: RegexOptions.Compiled only).
"""

import re
from dataclasses import dataclass
from typing import Self

from local.host.functions import FunctionError

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[^{}]+|[{}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobPath:
    """`container` or `container/pattern`.

    Attributes:
        container: name of the container.
        pattern: for the whole name; None for any.
        names: names of the parameters in the pattern, in the order of its groups.
    """

    container: str
    pattern: re.Pattern[str] | None
    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the `path` of a trigger.

        Raises:
            FunctionError: the path is not one that the host takes.
        """
        container, _, blobs = text.partition("/")
        if not container or set(container) & set("{}\\"):
            msg = f"Invalid blob trigger path '{text}'. Paths must be in the format 'container/blob'."
            raise FunctionError(msg)
        if not blobs:
            return cls(container=container, pattern=None, names=())
        parts: list[str] = []
        names: list[str] = []
        for token in _TOKEN.finditer(blobs):
            if token[1]:
                names.append(token[1].split(":")[0])
                parts.append("(.*)")
            elif token[0] in {"{", "}"}:
                msg = f"Invalid template '{blobs}'. Unbalanced braces."
                raise FunctionError(msg)
            else:
                parts.append(re.escape(token[0][:1] if token[0] in {"{{", "}}"} else token[0]))
        # The real host's `.` stops at a line feed, and its `$` matches before a last one, as Python's do.
        pattern = re.compile(f"^{''.join(parts)}$")
        return cls(container=container, pattern=pattern, names=tuple(names))

    def match(self, container: str, blob: str) -> dict[str, str] | None:
        """Return the parameters of a blob that the path matches, else None."""
        if container.lower() != self.container.lower():
            return None
        if self.pattern is None:
            return {}
        found = self.pattern.match(blob)
        return None if found is None else dict(zip(self.names, found.groups(), strict=True))
