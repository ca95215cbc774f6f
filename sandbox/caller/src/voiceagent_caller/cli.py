"""`python -m voiceagent_caller`: progress on stderr, the transcript on stdout, sentences for what goes wrong.

Exit status: 0 for a call that was held, 1 for one that failed, 2 for a mistake in what was asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from voiceagent_api.version import VersionOption

from voiceagent_caller.conversation import CallHooks, make_call
from voiceagent_caller.errors import CallerMistake, CallFailed
from voiceagent_caller.logs import log_as_json
from voiceagent_caller.options import CallOptions, Utterance
from voiceagent_caller.report import CallReport, render_transcript


def main(arguments: Sequence[str] | None = None) -> int:
    log_as_json(logging.WARNING)
    # The SDK warns of handles that are gone when a call is hung up; to a user that is noise.
    logging.getLogger("livekit").setLevel(logging.ERROR)
    try:
        options, json_path = _parse(arguments)
        try:
            report = asyncio.run(_call(options))
        except CallFailed as failure:
            if failure.so_far is not None and failure.so_far.room:
                _show(failure.so_far, json_path)
            return _say_why(failure, 1)
        _show(report, json_path)
    except CallerMistake as mistake:
        return _say_why(mistake, 2)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return _say_why(CallFailed("The call was interrupted and hung up."), 1)
    return 0


async def _call(options: CallOptions) -> CallReport:
    task = asyncio.current_task()
    if task is not None:
        # Being terminated hangs up as being interrupted does.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    began_at = time.monotonic()

    def show(sentence: str) -> None:
        print(f"{time.monotonic() - began_at:7.2f} s  {sentence}", file=sys.stderr, flush=True)

    return await make_call(options, CallHooks(progress=show))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise CallerMistake(f"{message[:1].upper()}{message[1:]}. Try --help.")


class _AddUtterance(argparse.Action):
    """Keeps --say and --wav in the order in which they were given."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        value: Any,
        option: str | None = None,
    ) -> None:
        utterance = Utterance(wav=Path(value)) if option == "--wav" else Utterance(text=value)
        namespace.utterances = (*namespace.utterances, utterance)


def _parse(arguments: Sequence[str] | None) -> tuple[CallOptions, Path | None]:
    default = CallOptions()
    parser = _Parser(
        prog="python -m voiceagent_caller",
        description="Calls a voice agent, speaks to it, shows what was said and how long the answers took.",
    )
    parser.add_argument("--version", action=VersionOption, program="voiceagent-caller", package="voiceagent-caller")
    parser.add_argument("--gateway", default=default.gateway, metavar="URL", help="default: %(default)s")
    parser.add_argument("--speech", default=default.speech, metavar="URL", help="default: %(default)s")
    parser.add_argument("--agent", default=default.agent, metavar="NAMESPACE/NAME", help="default: %(default)s")
    parser.add_argument("--room", help="join this room; by default the gateway makes a new one")
    parser.add_argument(
        "--say",
        dest="utterances",
        action=_AddUtterance,
        default=(),
        metavar="TEXT",
        help="may be given again",
    )
    parser.add_argument(
        "--wav",
        dest="utterances",
        action=_AddUtterance,
        metavar="FILE",
        help="say a recording; may be given again",
    )
    parser.add_argument("--no-greeting", action="store_true", help="speak first: the agent greets nobody")
    parser.add_argument("--record", type=Path, metavar="DIR", help="keep wavs of what was said and heard")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there")
    parser.add_argument("--max-seconds", type=float, default=default.max_seconds, help="default: %(default)g")
    given = parser.parse_args(arguments)
    if not given.utterances and given.no_greeting:
        raise CallerMistake('There is nothing to do in this call: give something to say, as in --say "Hello".')
    options = CallOptions(
        gateway=given.gateway,
        speech=given.speech,
        agent=given.agent,
        room=given.room,
        utterances=given.utterances,
        expect_greeting=not given.no_greeting,
        record=given.record,
        max_seconds=given.max_seconds,
    )
    return options, given.json


def _show(report: CallReport, json_path: Path | None) -> None:
    print(render_transcript(report))
    if json_path is None:
        return
    try:
        json_path.write_text(report.to_json() + "\n", encoding="utf-8")
    except OSError as error:
        raise CallerMistake(f"The report cannot be written to {json_path}: {error.strerror or error}.") from error


def _say_why(error: Exception, status: int) -> int:
    print(error, file=sys.stderr)
    return status
