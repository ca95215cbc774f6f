"""The last requests, kept in memory so that a test can see what was really said.

It holds the text of conversations: what was asked, answered, heard and spoken. That is its purpose in a
sandbox, and the reason why it is bounded, never written anywhere, and off with `SPEECH_JOURNAL=0`.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

KINDS = ("llm", "stt", "tts")
CAPACITY = 200


@dataclass(frozen=True)
class Entry:
    """One finished request; `text` is the reply, the transcript or what was spoken."""

    kind: str
    time: str
    route: str
    model: str
    text: str
    outcome: str
    first_byte_seconds: float | None
    total_seconds: float
    details: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        plain = {name: value for name, value in vars(self).items() if name != "details"}
        return {**plain, **self.details}


class Journal:
    def __init__(self, *, enabled: bool, capacity: int = CAPACITY) -> None:
        self.enabled = enabled
        self._entries: deque[Entry] = deque(maxlen=capacity)

    def add(self, entry: Entry) -> None:
        if self.enabled:
            self._entries.append(entry)

    def last(self, kind: str | None, limit: int) -> list[Entry]:
        """The newest entries of a kind, oldest of them first."""
        chosen = [entry for entry in self._entries if kind is None or entry.kind == kind]
        return chosen[-limit:] if limit > 0 else []

    def clear(self) -> None:
        self._entries.clear()


class Record:
    """A request while it runs: marks its first byte, and writes the entry when it ends.

    Used as a context manager, so that a request that fails or is abandoned is written as well.
    """

    def __init__(self, journal: Journal, kind: str, route: str, model: str) -> None:
        self._journal = journal
        self._kind, self._route, self._model = kind, route, model
        self._began = time.monotonic()
        self._time = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._first: float | None = None
        self.text = ""
        self.outcome = "ok"
        self.details: dict[str, Any] = {}

    def first_byte(self) -> None:
        if self._first is None:
            self._first = time.monotonic() - self._began

    def __enter__(self) -> Record:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self.outcome == "ok":
            self.outcome = kind.__name__
        first = None if self._first is None else round(self._first, 4)
        self._journal.add(
            Entry(
                kind=self._kind,
                time=self._time,
                route=self._route,
                model=self._model,
                text=self.text,
                outcome=self.outcome,
                first_byte_seconds=first,
                total_seconds=round(time.monotonic() - self._began, 4),
                details=self.details,
            )
        )
