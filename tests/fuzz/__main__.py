"""Look for bytes that a reader of strangers' bytes cannot stand: `python -m tests.fuzz TARGET OPTION ...`.

Atheris counts which lines of `shared/` each input reaches, and goes on from those that reach new ones. What
it finds lies in the folder from which it is called.
"""

import json
import sys
import tempfile
from pathlib import Path

PACKAGES = Path(__file__).parents[2] / ".stack/atheris"


def main() -> None:
    """Search as the options of libFuzzer say; end with a traceback at the first finding."""
    sys.path.append(str(PACKAGES))
    import atheris  # noqa: PLC0415  (installed below .stack)

    with atheris.instrument_imports(include=["shared"]):
        from tests.fuzz.targets import TARGETS, seeds, words  # noqa: PLC0415  (only now are its lines counted)

    name, *bounds = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile("w") as dictionary:
        dictionary.writelines(f"{json.dumps(word)}\n" for word in sorted(words()))
        dictionary.flush()
        for number, seed in enumerate(seeds(name)):
            (Path(folder) / str(number)).write_bytes(seed)
        options = [
            *bounds,
            "-max_len=8192",
            "-timeout=10",
            "-rss_limit_mb=4096",
            f"-dict={dictionary.name}",
        ]
        atheris.Setup([sys.argv[0], *options, "-print_final_stats=1", folder], TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
