"""Speech to text for the whole server: one model, a few threads, and a bound on what waits for them."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from .audio import RECOGNITION_RATE, Samples
from .endpointing import speech_spans
from .errors import ApiError
from .gate import Gate
from .moonshine import Moonshine, model_folder
from .settings import Settings

# The model was made for utterances; what is longer is cut, at pauses where there are any.
LONGEST_SECONDS = 12.0


@dataclass(frozen=True)
class Passage:
    """What was said between two times of a recording."""

    start: float
    end: float
    text: str


class Recognizer:
    def __init__(self, settings: Settings) -> None:
        # One thread a transcription and several at once: less waiting for each other than the reverse.
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="stt")
        self._model: Moonshine | None = None
        self.gate = Gate("transcription", slots=settings.threads, limit=settings.queue_limit)
        self.streams = Gate("streaming transcription", slots=1, limit=settings.stream_limit)
        self.ready = False
        self.scripted: str | None = None
        """What every utterance is taken for while a script says so."""

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._model = await loop.run_in_executor(self._pool, _load)
        await self.transcribe(np.zeros(RECOGNITION_RATE, np.float32))
        self.ready = True

    async def stop(self) -> None:
        self.ready = False
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def transcribe(self, samples: Samples) -> str:
        """The words of one utterance, at the recognition rate."""
        if self.scripted is not None:
            return self.scripted
        model = self._model
        if model is None:
            raise ApiError(503, "The speech model is still loading.", retry_after_seconds=2)
        async with self.gate.turn():
            return await asyncio.get_running_loop().run_in_executor(self._pool, model.transcribe, samples)

    async def transcribe_recording(self, samples: Samples) -> list[Passage]:
        """The words of a recording; stretches without speech are left out, as the model invents there."""
        passages = []
        for start, end in await asyncio.to_thread(speech_spans, samples, longest_seconds=LONGEST_SECONDS):
            cut = samples[int(start * RECOGNITION_RATE) : int(end * RECOGNITION_RATE)]
            text = await self.transcribe(cut)
            if text:
                passages.append(Passage(start, end, text))
        return passages


def _load() -> Moonshine:
    model = Moonshine(model_folder(), threads=1)
    # Loading passes through several copies of the weights, which the allocator would keep: a third of the whole.
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
    return model
