"""Logs: one JSON object a line."""

import json
import logging
import sys
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Any, Final, TextIO

import orjson

_MADE: Final = tuple(vars(logging.makeLogRecord({})))
"""What every record has. It comes first in a record; what `extra` holds comes behind it."""
_STANDARD: Final = frozenset(_MADE) | {"message", "asctime", "color_message", "taskName"}


class JsonFormatter(logging.Formatter):
    """A log record as one JSON object: time, level, logger, message, and what `extra` holds."""

    def format(self, record: logging.LogRecord) -> str:
        seconds = int(record.created)
        line: dict[str, Any] = {
            "time": f"{_second(seconds)}.{int((record.created - seconds) * 1000):03}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        for key, value in islice(vars(record).items(), len(_MADE), None):
            if key not in _STANDARD:
                line[key] = value
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encoded(line)


class _Lines(logging.StreamHandler[TextIO]):
    """Writes each line at once, by fewer steps than its parent takes."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.stream.write(f"{self.format(record)}\n")
            self.stream.flush()
        except Exception:
            self.handleError(record)


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send every logger's lines through the JSON formatter to standard output."""
    handler = _Lines(stream or sys.stdout)
    handler.setFormatter(JsonFormatter())
    # What no line says is not looked up for each of them; that takes longer than writing it.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("asyncio", "aiohttp", "livekit"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _encoded(line: dict[str, Any]) -> str:
    try:
        return orjson.dumps(line, default=str).decode()
    except TypeError:
        # It takes neither half a character nor a number of more than 64 bits.
        return json.dumps(line, default=str)


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    """Of many lines of one second only the milliseconds differ."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
