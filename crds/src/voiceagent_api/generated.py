"""Files that are made from the types and committed, since people and tools read them: printed, or held against."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def run(module: str, what: str, committed: Path, make: Callable[[], str], arguments: Sequence[str] | None) -> int:
    """Print a file's text, or with --check tell whether the committed one has drifted; returns the exit code."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=f"Makes {what} from the types.")
    parser.add_argument(
        "--check",
        nargs="?",
        type=Path,
        const=committed,
        metavar="FILE",
        help="exit 1 with a sentence when FILE (default: the committed one) differs from what the types make",
    )
    options = parser.parse_args(arguments)
    text = make()
    if options.check is None:
        sys.stdout.write(text)
        return 0
    sentence = _drift(options.check, what, text)
    if sentence is None:
        return 0
    print(sentence, file=sys.stderr)
    return 1


def _drift(path: Path, what: str, text: str) -> str | None:
    try:
        found = path.read_text(encoding="utf-8")
    except OSError as error:
        return f"{what} {path} cannot be read: {error.strerror}."
    return None if found == text else f"{what} {path} has drifted from the types; run: make crds"
