"""The two kinds of trouble a call can meet: the user does something different about each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voiceagent_caller.report import CallReport


class CallerMistake(Exception):
    """What was asked for cannot be done as asked: the user must change something. One or two sentences."""


class CallFailed(Exception):
    """The call was asked for correctly and did not succeed. One or two sentences."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.so_far: CallReport | None = None
        """What had happened until then, when a whole call was being made."""
