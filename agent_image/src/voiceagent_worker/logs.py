"""Logs as one JSON object a line or as text for people, of our own loggers and livekit-agents' alike; no secrets.

A call's process sends its records to the main process (livekit-agents does that), which prints them. So
secrets are taken out twice: where a record leaves a call's process, which knows its provider keys, and where
it is printed. Objects in a record's extra fields are never shown by `repr`: that of an HTTP error shows
request headers.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final, Literal

Format = Literal["json", "text"]
OWN: Final = ("voiceagent_worker", "livekit.agents", "livekit.plugins")
"""Loggers that follow the configured level, down to DEBUG."""
NOISY: Final = (
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "openai",
    "aiohttp",
    "livekit",
    "asyncio",
    "urllib3",
)
"""Loggers that speak only of trouble: at lower levels they log every request."""
MAX_TEXT: Final = 4000
REDACTED: Final = "[secret]"
MIN_SECRET_LENGTH: Final = 6
"""Shorter ones are words of ordinary text; taking them out would spoil it and hide nothing."""
HIDDEN: Final = ("_", "lk.pii.")
"""Fields that are not shown: private ones, and what livekit-agents marks as telling of persons."""
_STANDARD: Final = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {
    "message",
    "asctime",
    "taskName",
}


class Redactor:
    """Takes known secrets out of text."""

    def __init__(self) -> None:
        self._secrets: tuple[str, ...] = ()

    def add(self, secret: str) -> None:
        """Know one more secret."""
        if len(secret) >= MIN_SECRET_LENGTH and secret not in self._secrets:
            # longest first, so that one which holds another goes as a whole
            self._secrets = tuple(sorted((*self._secrets, secret), key=len, reverse=True))

    def __call__(self, text: str) -> str:
        """The text without the secrets known so far."""
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        return text


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self._redactor(record.getMessage()),
        }
        line.update({key: _plain(value, self._redactor) for key, value in _extra(record).items() if key not in line})
        exception = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else None)
        if exception:
            line["exception"] = self._redactor(exception)
        return json.dumps(line, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """A record as one line for people, and the lines of a traceback below it."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """Time (UTC), level, logger, message, and the other fields as key=value."""
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        # one record must not look like two
        message = " ".join(self._redactor(record.getMessage()).splitlines())
        fields = (f"{key}={_text(_plain(value, self._redactor))}" for key, value in _extra(record).items())
        line = " ".join((time, f"{record.levelname:<7}", f"{record.name}:", message, *fields))
        exception = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else None)
        return f"{line}\n{self._redactor(exception)}" if exception else line


class SendingFormatter(logging.Formatter):
    """Makes a record fit to leave a call's process: plain fields, no secrets. The main process prints it."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The message alone; the record's other fields are made plain in place."""
        for key, value in _extra(record).items():
            setattr(record, key, _plain(value, self._redactor))
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self._redactor(record.exc_text)
        return self._redactor(record.getMessage())


class MainLogs:
    """The main process's logs, to standard error. Level and format may change while it runs."""

    def __init__(self, level: str, form: Format, redactor: Redactor) -> None:
        self._redactor = redactor
        self._handler = logging.StreamHandler(sys.stderr)
        logging.getLogger().handlers[:] = [self._handler]
        logging.captureWarnings(True)
        self.change(level, form)

    def change(self, level: str, form: Format) -> None:
        """From the next record on."""
        made = TextFormatter(self._redactor) if form == "text" else JsonFormatter(self._redactor)
        self._handler.setFormatter(made)
        set_level(level)


def configure_call(redactor: Redactor) -> None:
    """In a call's process: make safe what livekit-agents' handler sends to the main process."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(SendingFormatter(redactor))


def set_level(level: str) -> None:
    """Set the level of our loggers; those of libraries stay above DEBUG, where they log what they send."""
    logging.getLogger().setLevel(max(logging.getLevelNamesMapping()[level], logging.INFO))
    for name in OWN:
        logging.getLogger(name).setLevel(level)
    for name in NOISY:
        logging.getLogger(name).setLevel(max(logging.getLevelNamesMapping()[level], logging.WARNING))


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in record.__dict__.items() if key not in _STANDARD and not key.startswith(HIDDEN)}


def _text(plain: object) -> str:
    """Quoted where it would not be seen as one value."""
    text = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
    return text if text and text.isprintable() and not set(text) & set(' "=') else json.dumps(text, ensure_ascii=False)


def _plain(value: object, redactor: Redactor) -> object:
    match value:
        case None | bool() | int():
            return value
        case float():
            # NaN and infinity are not JSON
            return value if value == value and abs(value) != float("inf") else str(value)
        case str():
            return redactor(value[:MAX_TEXT])
        case list() | tuple() | set() | frozenset():
            return [_plain(item, redactor) for item in list(value)[:50]]
        case dict():
            return {str(key): _plain(item, redactor) for key, item in list(value.items())[:50]}
        case BaseException():
            return redactor((str(value) or type(value).__name__)[:MAX_TEXT])
        case _:
            return type(value).__name__
