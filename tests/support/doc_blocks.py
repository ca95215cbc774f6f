"""The blocks of README.md and docs/*.md, and the commands in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md")))
_BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(?:^|\s)#\s.*$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block."""

    page: str
    """File name, such as `quickstart.md`."""
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Where a reader finds it."""
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """Its commands without comments: what a shell takes as one line, also where it is written on several."""
        found: list[str] = []
        for line in re.sub(r"\\\n\s*", "", self.text).splitlines():
            if command := _COMMENT.sub("", line).strip():
                found.append(command)
        return found

    @property
    def shown(self) -> list[tuple[str, list[str]]]:
        """Of a console block: each command, and the lines that it is shown to answer."""
        found: list[tuple[str, list[str]]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif found:
                found[-1][1].append(line)
        return found


def blocks() -> Iterator[Block]:
    """Every block, page by page, in order."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in _BLOCK.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            yield Block(page.name, line, found["language"].strip(), found["text"])


def block(page: str, language: str, words: str) -> str:
    """The text of the one block of a page in this language that has these words."""
    (found,) = [one for one in blocks() if (one.page, one.language) == (page, language) and words in one.text]
    return found.text
