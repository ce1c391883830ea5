"""`DeskError`: what stops a command, in a sentence that says what to do."""


class DeskError(Exception):
    """The command cannot go on. Nothing is half done: running it again is safe."""
