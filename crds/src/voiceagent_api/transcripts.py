"""What a worker pod answers on `/transcripts`: what is said in the calls of an agent whose manifest asks for it."""

from datetime import datetime
from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from voiceagent_api.base import Model

Speaker = Literal["caller", "agent"]


class TranscriptLine(Model):
    """What one side said, in one go, after the plugins."""

    position: PositiveInt
    """Its place among all lines of the worker's process."""
    session: str
    room: str = ""
    number: PositiveInt
    """Its place among the lines of its call: a number that is missing was dropped for want of room."""
    at: datetime
    who: Speaker
    language: str = ""
    """As the speech to text found it, else the agent's."""
    text: str


class TranscriptLines(Model):
    """Lines after the position that was asked for, the oldest first."""

    process: str
    """The worker's main process: positions begin anew with another one."""
    lines: list[TranscriptLine] = Field(default_factory=list)
    position: NonNegativeInt = 0
    """From where to ask next."""
    more: bool = False
    """Whether there is more right now than one answer holds."""
    first: NonNegativeInt = 0
    """Where one call was asked for: the number of its oldest line that is held; 0 where none is."""
