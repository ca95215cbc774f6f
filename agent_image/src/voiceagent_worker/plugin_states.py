"""Which plugins calls of this pod found broken; in the main process.

A call that starts reads it from a file in the run folder; calls that run are told. What nobody has found again within
the time for which a circuit breaker stays open is forgotten.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from voiceagent_worker.events import PluginAvailability
from voiceagent_worker.plugins.breaker import OPEN_SECONDS
from voiceagent_worker.whole_file import write_whole

FRESH: Final = timedelta(seconds=OPEN_SECONDS)

Broken = Mapping[str, datetime]
"""When each plugin, by its key, was found broken last."""


def fresh(broken: Broken, now: datetime) -> Broken:
    """Those that still count, also where the clock was set back. Pure."""
    return {key: at for key, at in broken.items() if now - FRESH < at <= now}


def apply(broken: Broken, event: PluginAvailability, now: datetime) -> Broken:
    """What is known after an event. Pure."""
    rest = {key: at for key, at in fresh(broken, now).items() if key != event.key}
    return rest if event.available else {**rest, event.key: now}


def read_broken(path: Path, now: datetime) -> dict[str, float]:
    """Seconds since each plugin was found broken. Nothing where nothing is known: a call must start."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        found = {key: datetime.fromisoformat(at) for key, at in told.items()}
        return {key: (now - at).total_seconds() for key, at in fresh(found, now).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


@dataclass(slots=True)
class PluginStates:
    """Holds what is known, writes it down for calls to come, and passes it on."""

    path: Path
    clock: Callable[[], datetime]
    pass_on: Callable[[PluginAvailability], None]
    """Called with each piece of news, for the other calls."""
    broken: Broken = field(default_factory=dict)

    def handle(self, event: PluginAvailability) -> None:
        """Take in what a call tells."""
        self.broken = apply(self.broken, event, self.clock())
        write_whole(self.path, json.dumps({key: at.isoformat() for key, at in self.broken.items()}))
        self.pass_on(event)
