"""Which calls were erased, in a file of its own: a transcript must not come back where the database is damaged.

One line of JSON a call, without a word of what was said. All of this waits for the disk: it is called by the
database's thread.
"""

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from voiceagent_gateway.transcripts.kept import TranscribedCall

FILE_NAME: Final = "gateway.erased"
COMPACT_BYTES: Final = 1024 * 1024
"""From here on, what is too old is taken out before more is added."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Erasure:
    """A call that was erased, and when, in milliseconds since 1970."""

    call: TranscribedCall
    at: int


class ErasedFile:
    """The file of a folder, made with the first erasure."""

    def __init__(self, folder: Path, kept_milliseconds: int) -> None:
        self._path = folder / FILE_NAME
        self._kept = kept_milliseconds

    def add(self, erasure: Erasure) -> None:
        """Write it down, on the disk before this returns. Raises OSError."""
        if self._path.exists() and self._path.stat().st_size > COMPACT_BYTES:
            self.compact(erasure.at)
        with self._path.open("ab") as file:
            # A line that a crash cut short must not take this one with it.
            _write(file.fileno(), b"\n" + _line(erasure))

    def read(self, now: int) -> Sequence[Erasure]:
        """Those that are not too old. Raises OSError."""
        if not self._path.exists():
            return ()
        found = [erasure for line in self._path.read_bytes().splitlines() if (erasure := _erasure(line))]
        return [erasure for erasure in found if erasure.at >= now - self._kept]

    def compact(self, now: int) -> None:
        """Take out what is too old. Raises OSError."""
        recent = self.read(now)
        if not recent:
            self._path.unlink(missing_ok=True)
            return
        new = self._path.with_suffix(".erased-new")
        with new.open("wb") as file:
            _write(file.fileno(), b"".join(_line(erasure) for erasure in recent))
        new.replace(self._path)


def _write(file: int, text: bytes) -> None:
    os.write(file, text)
    os.fsync(file)


def _line(erasure: Erasure) -> bytes:
    call = erasure.call
    return json.dumps([erasure.at, call.pod_uid, call.session, call.namespace, call.agent, call.pod]).encode() + b"\n"


def _erasure(line: bytes) -> Erasure | None:
    if not line:
        return None
    try:
        at, *names = json.loads(line)
        pod_uid, session, namespace, agent, pod = map(str, names)
        return Erasure(TranscribedCall(pod_uid, session, namespace, agent, pod, room=""), int(at))
    except (ValueError, TypeError):
        log.warning("a line of the erased calls cannot be read and is passed over", extra={"file": FILE_NAME})
        return None
