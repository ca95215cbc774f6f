"""Logs: one JSON object a line, or text for people, and no secret in it."""

import json
import logging
import sys
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from voiceagent_worker.logs import NOISY, OWN, JsonFormatter, MainLogs, Redactor, SendingFormatter, TextFormatter
from yarl import URL

KEY = "sk-very-secret"


def redactor() -> Redactor:
    known = Redactor()
    known.add(KEY)
    return known


def record(message: str, *arguments: object, error: BaseException | None = None, **extra: object) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("voiceagent_worker.test", logging.WARNING, "file", 1, message, arguments, info)
    made.__dict__.update(extra)
    return made


def printed(made: logging.LogRecord) -> dict[str, Any]:
    line = JsonFormatter(redactor()).format(made)
    assert "\n" not in line
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def refused_handshake() -> aiohttp.WSServerHandshakeError:
    headers = CIMultiDictProxy(CIMultiDict({"Authorization": "Bearer eyJhbGciOi"}))
    request = aiohttp.RequestInfo(URL("ws://livekit/agent"), "GET", headers, URL("ws://livekit/agent"))
    return aiohttp.WSServerHandshakeError(request, (), status=401, message="Invalid response status")


def test_line_has_time_level_logger_message_and_the_extra_fields() -> None:
    personal = {"lk.pii.participant_identity": "Ada"}
    line = printed(record("%d calls", 3, room="room-1", seconds=1.5, **personal))
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "WARNING",
        "logger": "voiceagent_worker.test",
        "message": "3 calls",
        "room": "room-1",
        "seconds": 1.5,
    }


@pytest.mark.parametrize("formatter", [JsonFormatter, TextFormatter, SendingFormatter])
def test_known_secret_is_taken_out_of_message_fields_and_traceback(formatter: type[logging.Formatter]) -> None:
    try:
        raise ValueError(f"bad key {KEY}")
    except ValueError as error:
        made = record(f"key {KEY}", error=error, detail=f"it is {KEY}", nested={"a": [KEY]}, cause=error)
    text = formatter(redactor()).format(made)  # type: ignore[call-arg]
    sent = {**made.__dict__, "msg": "", "exc_info": None}
    assert KEY not in (text + str(sent) if formatter is SendingFormatter else text)


def test_http_error_in_a_field_shows_its_words_and_not_its_request_headers() -> None:
    line = printed(record("failed", error=None, cause=refused_handshake(), thing=object()))
    assert "401" in line["cause"]
    assert "Bearer" not in json.dumps(line)
    assert line["thing"] == "object"


def test_numbers_that_json_does_not_have_are_printed_as_text() -> None:
    assert printed(record("x", load=float("inf"), ratio=float("nan")))["load"] == "inf"


def test_record_sent_by_a_call_keeps_its_traceback_for_the_main_process_to_print() -> None:
    try:
        raise KeyError("x")
    except KeyError:
        made = logging.LogRecord("n", logging.ERROR, "f", 1, "it broke", (), sys.exc_info())
    message = SendingFormatter(redactor()).format(made)
    assert message == "it broke"
    made.msg, made.args, made.exc_info = message, None, None
    line = printed(made)
    assert line["message"] == "it broke" and "KeyError: 'x'" in line["exception"]


def test_short_words_are_not_taken_for_secrets() -> None:
    known = Redactor()
    known.add("a")
    known.add("")
    assert known("a call") == "a call"


def test_text_is_one_line_a_record_whatever_the_words() -> None:
    made = record("hung\nup", room="room 1", seconds=1.5, outcome="user_left", odd="a\nERROR b", none=None)
    made.created = 0.25
    assert TextFormatter(redactor()).format(made) == (
        "00:00:00.250 WARNING voiceagent_worker.test: hung up "
        'room="room 1" seconds=1.5 outcome=user_left odd="a\\nERROR b" none=null'
    )


def test_text_has_a_traceback_below_its_line() -> None:
    try:
        raise KeyError("x")
    except KeyError as error:
        first, *rest = TextFormatter(redactor()).format(record("it broke", error=error)).splitlines()
    assert first.endswith("it broke")
    assert rest[-1] == "KeyError: 'x'"


def test_level_and_format_change_from_one_record_to_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = root.handlers[:]
    levels = {name: logging.getLogger(name).level for name in (*OWN, *NOISY)}
    try:
        main = MainLogs("INFO", "json", redactor())
        logger = logging.getLogger("voiceagent_worker.test")
        logger.info("one")
        main.change("ERROR", "text")
        logger.info("two")
        logger.error("three")
    finally:
        root.handlers[:] = before
        logging.captureWarnings(False)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
    one, three = capsys.readouterr().err.splitlines()
    assert json.loads(one)["message"] == "one"
    assert three.endswith(" ERROR   voiceagent_worker.test: three")
