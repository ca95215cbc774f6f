"""Notices a speech-to-text that listens and never answers.

A stream of transcripts that says nothing may be one of a caller who does not speak. The session's own voice detection
knows better: who spoke for a while, and is not understood some seconds after, speaks to nobody.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Final

from livekit.agents import AgentSession, APITimeoutError, UserStateChangedEvent, stt

SPOKEN_SECONDS: Final = 1.5
"""By the voice detection, which ends half a second after the last sound: a cough is shorter."""
PATIENCE_SECONDS: Final = 5.0
"""For words after the last sound; as long as fallbacks are given to begin."""
LEAVE_SECONDS: Final = 1.0


@dataclass(slots=True)
class Unheard:
    """Counts for how long a caller has spoken without being understood. Times in seconds, of any clock."""

    seconds: float = 0.0
    since: float | None = None

    def spoke(self, now: float) -> None:
        """The caller begins to speak."""
        self.since = now if self.since is None else self.since

    def paused(self, now: float) -> None:
        """The caller stops."""
        if self.since is not None:
            self.seconds += max(0.0, now - self.since)
        self.since = None

    def understood(self, now: float) -> None:
        """Words came."""
        self.seconds = 0.0
        self.since = None if self.since is None else now

    @property
    def much(self) -> bool:
        """Whether there should be words by now."""
        return self.seconds >= SPOKEN_SECONDS


class Listening:
    """Of one speech-to-text: hears of the caller's voice, and of the words that come."""

    def __init__(self) -> None:
        self._unheard = Unheard()
        self._timer: asyncio.TimerHandle | None = None
        self._streams: set[asyncio.Event] = set()
        self._leaving: set[asyncio.Task[None]] = set()

    def spoke(self) -> None:
        """The caller begins to speak."""
        self._unheard.spoke(self._now())
        self._wait(False)

    def paused(self) -> None:
        """The caller stops."""
        self._unheard.paused(self._now())
        self._wait(self._unheard.much)

    def guessed(self) -> None:
        """Words that may still change: more are on their way."""
        if self._timer is not None:
            self._wait(True)

    def understood(self) -> None:
        """Words came."""
        self._unheard.understood(self._now())
        self._wait(False)

    async def run(self, stream: Coroutine[Any, Any, None]) -> None:
        """Run a stream until it ends. Raises APITimeoutError where words should have come and did not."""
        stalled = asyncio.Event()
        self._streams.add(stalled)
        running = asyncio.create_task(stream, name="stt_stream")
        noticing = asyncio.create_task(stalled.wait(), name="stt_stalled")
        try:
            await asyncio.wait((running, noticing), return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                return running.result()
            # not tried again in silence: what was said is lost, and the caller is to know
            raise APITimeoutError(retryable=False)
        finally:
            self._streams.discard(stalled)
            noticing.cancel()
            await self._leave(running)

    def close(self) -> None:
        """Notice nothing more."""
        self._wait(False)

    async def _leave(self, running: "asyncio.Task[None]") -> None:
        """Not for long: a WebSocket is closed with a goodbye, and who stalls says none."""
        running.cancel()
        self._leaving.add(running)
        running.add_done_callback(self._left)
        await asyncio.wait((running,), timeout=LEAVE_SECONDS)

    def _left(self, running: "asyncio.Task[None]") -> None:
        self._leaving.discard(running)
        if not running.cancelled():
            running.exception()

    def _wait(self, wanted: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._lost) if wanted else None

    def _lost(self) -> None:
        self._timer = None
        self._unheard = Unheard()
        for stalled in self._streams:
            stalled.set()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


class AttentiveSTT(stt.STT[Any]):
    """Mixed into a plugin's model, before it; its streams are AttentiveStreams."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.listening = Listening()

    async def aclose(self) -> None:
        """Notice nothing more, and let go of what the plugin has."""
        self.listening.close()
        await super().aclose()


class AttentiveStream(stt.SpeechStream):
    """Mixed into a plugin's stream, before it. Its model is an AttentiveSTT."""

    async def __anext__(self) -> stt.SpeechEvent:
        """Tells of words that come, and of a voice that the provider hears too."""
        event = await super().__anext__()
        match event.type:
            case stt.SpeechEventType.FINAL_TRANSCRIPT | stt.SpeechEventType.END_OF_SPEECH:
                self._listening.understood()
            case stt.SpeechEventType.INTERIM_TRANSCRIPT | stt.SpeechEventType.START_OF_SPEECH:
                self._listening.guessed()
        return event

    async def _run(self) -> None:
        await self._listening.run(super()._run())  # type: ignore[safe-super]

    @property
    def _listening(self) -> Listening:
        listening: Listening = self._stt.listening  # type: ignore[attr-defined]
        return listening


def tell_listeners(session: AgentSession[None], models: Iterable[Any]) -> None:
    """Tell those models that want to know of the caller's voice, from now on."""
    listeners = [one for model in models if isinstance(one := getattr(model, "listening", None), Listening)]

    def on_voice(event: UserStateChangedEvent) -> None:
        for listening in listeners:
            if event.new_state == "speaking":
                listening.spoke()
            elif event.old_state == "speaking":
                listening.paused()

    if listeners:
        session.on("user_state_changed", on_voice)
