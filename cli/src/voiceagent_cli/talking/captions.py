"""How a conversation reads on a terminal: a line for each thing said, the agent's growing as it speaks. Pure."""

from dataclasses import dataclass

AGENT = "agent"
YOU = "you"


@dataclass(slots=True)
class Captions:
    """Says what to print next; whose line is unfinished is all that it keeps."""

    _growing: int | None = None

    @property
    def unfinished(self) -> bool:
        """Whether the last line has no end yet."""
        return self._growing is not None

    def grow(self, segment: int, text: str) -> str:
        """More words of the agent, of the segment of this number."""
        words = _one_line(text)
        if not words:
            return ""
        before = "" if self._growing == segment else f"{self.end()}{AGENT}: "
        self._growing = segment
        return before + words

    def end(self, segment: int | None = None) -> str:
        """The agent's segment is over; without a number, whatever is unfinished."""
        if self._growing is None or segment not in (None, self._growing):
            return ""
        self._growing = None
        return "\n"

    def whole(self, who: str, text: str) -> str:
        """Something that was said, all at once."""
        words = _one_line(text).strip()
        return f"{self.end()}{who}: {words}\n" if words else ""


def _one_line(text: str) -> str:
    # what a model writes must not move the cursor or clear the screen
    return "".join(sign if sign.isprintable() else " " for sign in text)
