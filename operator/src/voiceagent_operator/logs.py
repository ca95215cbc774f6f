"""Structured logs: one JSON object a line on stderr, with whatever fields a call hands over by `extra`."""

import contextlib
import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_KOPF_INTERNALS = frozenset({"settings", "k8s_skip", "k8s_ref"})


_ABOUT: ContextVar[Mapping[str, str]] = ContextVar("about", default={})  # noqa: B039 (never changed in place)


@contextlib.contextmanager
def about(**fields: str) -> Iterator[None]:
    """Every line that is logged in the block, by whomever, carries these fields."""
    token = _ABOUT.set(fields)
    try:
        yield
    finally:
        _ABOUT.reset(token)


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= _ABOUT.get()
        for name, value in vars(record).items():
            if name not in _STANDARD and name not in _KOPF_INTERNALS:
                line[name] = value
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def set_up_logs(level: str) -> None:
    """Log to stderr; of what libraries do, only what goes wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for library in ("kopf", "aiohttp", "kubernetes", "asyncio"):
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
