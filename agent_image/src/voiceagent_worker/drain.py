"""Whether the pod still takes calls."""

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True)
class Drain:
    """A pod stops taking calls when it is asked to, which can be taken back, or when it is ended, which cannot."""

    asked: bool = False
    ending: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def draining(self) -> bool:
        """No more calls are taken; those that run go on."""
        return self.asked or self.ending.is_set()

    @property
    def why(self) -> str | None:
        """A sentence for who asks why no calls are taken; None if they are."""
        if self.ending.is_set():
            return "Draining: the pod takes no more calls and ends when those it has are over."
        if self.asked:
            return "Draining: the pod was asked to take no more calls; DELETE /drain takes that back."
        return None
