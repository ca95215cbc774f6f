"""A whole call from beginning to end, as the demo and the end-to-end tests make it.

Speech is made before the call and transcribed after it, so that the models that do this take no time from the
agent that is being measured.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from voiceagent_caller.audio import Clip, read_wav, wav_bytes
from voiceagent_caller.call import Call, Reply
from voiceagent_caller.errors import CallerMistake, CallFailed
from voiceagent_caller.options import CallOptions, Utterance
from voiceagent_caller.report import CallReport, Greeting, Turn
from voiceagent_caller.speech import Speech
from voiceagent_caller.wer import word_error_rate


def _tell_nobody(sentence: str) -> None:
    return None


async def _do_nothing(call: Call) -> None:
    return None


async def _note_nothing(call: Call, reply: Reply) -> None:
    return None


@dataclass(frozen=True)
class CallHooks:
    """What to do while the call is live. The call waits for each of them."""

    progress: Callable[[str], None] = _tell_nobody
    joined: Callable[[Call], Awaitable[None]] = _do_nothing
    """The agent is there; it has not been listened to yet."""
    greeted: Callable[[Call, Reply], Awaitable[None]] = _note_nothing
    answered: Callable[[Call, Reply], Awaitable[None]] = _note_nothing
    """After each turn."""


async def make_call(options: CallOptions, hooks: CallHooks | None = None) -> CallReport:
    """Calls, says everything there is to say, hangs up and reports.

    Raises CallerMistake or CallFailed, the latter with a report of what had happened until then in `so_far`.
    """
    return await _Conversation(options, hooks or CallHooks()).run()


@dataclass(frozen=True, eq=False)
class _Heard:
    """One exchange as it was recorded, before it is transcribed. `said` is None for the greeting."""

    said: str | None
    reply: Reply


class _Conversation:
    def __init__(self, options: CallOptions, hooks: CallHooks) -> None:
        self._options = options
        self._hooks = hooks
        self._call = Call(options)
        self._heard: list[_Heard] = []
        self._called_at = 0.0
        self._total_seconds = 0.0
        self._step = "preparing what to say"

    async def run(self) -> CallReport:
        limit = self._options.max_seconds
        try:
            async with asyncio.timeout(limit) as timeout:
                return await self._run()
        except TimeoutError as error:
            if not timeout.expired():
                raise
            failure = CallFailed(f"The call was not over after {limit:g} s and was hung up while {self._step}.")
            failure.so_far = self._report(None)
            raise failure from error
        except CallFailed as failure:
            failure.so_far = self._report(None)
            raise

    async def _run(self) -> CallReport:
        options = self._options
        async with Speech(options.speech, options.voice) as speech:
            clips = [await self._prepare(utterance, speech) for utterance in options.utterances]
            self._enter(f"calling {options.agent}")
            self._called_at = time.monotonic()
            try:
                async with self._call:
                    await self._converse(clips)
            finally:
                self._total_seconds = time.monotonic() - self._called_at
            self._enter("transcribing what was heard")
            texts = [await speech.transcribe(heard.reply.recording) for heard in self._heard]
        return self._report(texts)

    async def _converse(self, clips: list[Clip]) -> None:
        call, hooks = self._call, self._hooks
        hooks.progress(
            f"in room {call.room} after {call.joined_seconds:.2f} s, the agent {call.agent_joined_seconds:.2f} s later"
        )
        await hooks.joined(call)
        if self._options.expect_greeting:
            self._enter("listening to the greeting")
            reply = await call.listen()
            await self._keep(None, None, reply)
            await hooks.greeted(call, reply)
        for utterance, clip in zip(self._options.utterances, clips, strict=True):
            self._enter(f"saying “{utterance.label}”")
            await call.say(clip)
            self._enter("listening to the answer")
            reply = await call.listen()
            await self._keep(utterance.label, clip, reply)
            await hooks.answered(call, reply)

    async def _prepare(self, utterance: Utterance, speech: Speech) -> Clip:
        if utterance.wav is not None:
            return await asyncio.to_thread(read_wav, utterance.wav)
        self._enter(f"making speech of “{utterance.label}”")
        return await speech.synthesise(utterance.text or "")

    async def _keep(self, said: str | None, clip: Clip | None, reply: Reply) -> None:
        self._hooks.progress(f"heard “{reply.transcript}” after {reply.silence_seconds:.2f} s")
        self._heard.append(_Heard(said, reply))
        if self._options.record is not None:
            turn = sum(heard.said is not None for heard in self._heard)
            name = f"turn-{turn:02}" if said is not None else "greeting"
            await asyncio.to_thread(_write_recordings, self._options.record, name, clip, reply.recording)

    def _enter(self, step: str) -> None:
        self._step = step
        self._hooks.progress(step)

    def _report(self, heard_texts: list[str] | None) -> CallReport:
        texts = heard_texts if heard_texts is not None else [""] * len(self._heard)
        greeting: Greeting | None = None
        turns: list[Turn] = []
        for heard, text in zip(self._heard, texts, strict=True):
            reply = heard.reply
            error_rate = word_error_rate(reply.transcript, text)
            if heard.said is None:
                greeting = Greeting(reply.transcript, text, round(error_rate, 4), round(reply.silence_seconds, 3))
            else:
                turns.append(
                    Turn(
                        said=heard.said,
                        heard_by_agent=reply.heard_by_agent,
                        answered=reply.transcript,
                        heard_by_caller=text,
                        word_error_rate=round(error_rate, 4),
                        silence_seconds=round(reply.silence_seconds, 3),
                    )
                )
        return CallReport(
            agent=self._options.agent,
            room=self._call.room,
            identity=self._call.identity,
            joined_seconds=round(self._call.joined_seconds, 3),
            agent_joined_seconds=round(self._call.agent_joined_seconds, 3),
            greeting=greeting,
            turns=tuple(turns),
            total_seconds=round(self._total_seconds, 3),
            complete=heard_texts is not None,
        )


def _write_recordings(directory: Path, name: str, said: Clip | None, heard: Clip) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if said is not None:
            (directory / f"{name}-caller.wav").write_bytes(wav_bytes(said))
        (directory / f"{name}-agent.wav").write_bytes(wav_bytes(heard))
    except OSError as error:
        raise CallerMistake(f"The recordings cannot be written to {directory}: {error.strerror or error}.") from error
