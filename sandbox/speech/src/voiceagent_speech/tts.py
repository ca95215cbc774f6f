"""Text to speech: long-lived Piper processes, given one sentence at a time.

A sentence is the unit of fairness and of stopping: a stream that is abandoned costs at most the sentence
being made, and two streams take turns.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from .audio import Samples, from_linear16
from .errors import ApiError
from .gate import Gate
from .settings import Settings

MODEL_NAME = "piper-en-us-joe"
SENTENCE_GAP_SECONDS = 0.12
_KEPT_SENTENCES = 50

_LOAD_LIMIT_SECONDS = 60.0
_SENTENCE_LIMIT_SECONDS = 60.0
_END_LIMIT_SECONDS = 2.0
_log = logging.getLogger(__name__)


class VoiceError(Exception):
    """The voice's process could not speak a sentence."""


class PiperWorker:
    """One process, one sentence at a time; started again when it has died."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._process: asyncio.subprocess.Process | None = None
        self.rate = 0

    async def start(self) -> None:
        program = str(Path(__file__).with_name("piper_program.py"))
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            # Not this package's folder first on its path: its modules have plain names.
            "-P",
            program,
            str(self._threads),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        head = await asyncio.wait_for(self._head(), _LOAD_LIMIT_SECONDS)
        self.rate = int(head["rate"])

    async def say(self, text: str, length_scale: float) -> bytes:
        """A sentence's samples; a process that died or hangs is replaced, and asked once more."""
        for attempt in (1, 2):
            try:
                if self._process is None or self._process.returncode is not None:
                    await self.start()
                return await asyncio.wait_for(self._exchange(text, length_scale), _SENTENCE_LIMIT_SECONDS)
            except (OSError, EOFError, TimeoutError, ValueError) as error:
                _log.warning("voice process failed", extra={"error": repr(error), "attempt": attempt})
                await self.stop()
        raise VoiceError("The voice's process does not answer.")

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _END_LIMIT_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _exchange(self, text: str, length_scale: float) -> bytes:
        assert self._process and self._process.stdin and self._process.stdout  # noqa: S101 - piped above
        self._process.stdin.write(json.dumps({"text": text, "length_scale": length_scale}).encode() + b"\n")
        await self._process.stdin.drain()
        head = await self._head()
        if "error" in head:
            raise VoiceError(str(head["error"]))
        return await self._process.stdout.readexactly(int(head["bytes"]))

    async def _head(self) -> dict[str, Any]:
        assert self._process and self._process.stdout  # noqa: S101 - piped above
        line = await self._process.stdout.readline()
        if not line:
            raise EOFError("the voice's process ended")
        head = json.loads(line)
        if not isinstance(head, dict):
            raise ValueError("the voice's process sent something else than a head")
        return head


class Synthesizer:
    def __init__(self, settings: Settings) -> None:
        self._workers = [PiperWorker(settings.threads) for _ in range(settings.tts_workers)]
        self._free: asyncio.Queue[PiperWorker] = asyncio.Queue(len(self._workers))
        self._running: set[asyncio.Task[bytes]] = set()
        self.gate = Gate("speech", slots=settings.queue_limit, limit=settings.queue_limit)
        self._loaded = False
        self.rate = 0
        self.ready = False
        self._kept: OrderedDict[tuple[str, float], bytes] | None = None

    def keep(self, wish: bool) -> None:
        """Play a sentence again that was spoken before, from now on; or speak each anew."""
        self._kept = OrderedDict() if wish else None

    async def start(self) -> None:
        await asyncio.gather(*(worker.start() for worker in self._workers))
        self.rate = self._workers[0].rate
        for worker in self._workers:
            self._free.put_nowait(worker)
        self._loaded = True
        await asyncio.gather(*(self.say("Hello.") for _ in self._workers))
        self.ready = True

    async def stop(self) -> None:
        self.ready = False
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self._workers))

    async def say(self, sentence: str, *, speed: float = 1.0) -> Samples:
        """A sentence at the voice's rate, with the little silence that sets it off from the next."""
        if not self._loaded:
            raise ApiError(503, "The voice is still loading.", retry_after_seconds=2)
        # A task of its own: the caller may leave, but the process has to be read to the end of its answer.
        task = asyncio.create_task(self._say(sentence, 1.0 / speed))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            spoken = await asyncio.shield(task)
        except VoiceError as error:
            raise ApiError(500, str(error)) from None
        gap = np.zeros(int(self.rate * SENTENCE_GAP_SECONDS), np.float32)
        return np.concatenate((from_linear16(spoken), gap))

    async def _say(self, sentence: str, length_scale: float) -> bytes:
        kept = self._kept
        if kept is not None and (sentence, length_scale) in kept:
            return kept[sentence, length_scale]
        worker = await self._free.get()
        try:
            spoken = await worker.say(sentence, length_scale)
        finally:
            self._free.put_nowait(worker)
        if kept is not None:
            kept[sentence, length_scale] = spoken
            while len(kept) > _KEPT_SENTENCES:
                kept.popitem(last=False)
        return spoken
