"""What a caller hears when a provider and its fallbacks fail: an apology made beforehand, rather than silence.

After it the session listens on, and the next turn asks the provider again. A provider that fails again and again
ends the call, with a word.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from livekit import rtc
from livekit.agents import AgentSession, ConversationItemAddedEvent, ErrorEvent, UserInputTranscribedEvent
from livekit.agents.llm import ChatMessage
from voiceagent_api.catalogue import ProviderKind

from voiceagent_worker.clips import ClipStore, Frames, stream
from voiceagent_worker.providers.failures import kind_of
from voiceagent_worker.sentences import APOLOGY, GIVING_UP, sentence

logger = logging.getLogger(__name__)

MAX_FAILURES: Final = 3
"""In a row, of one kind: the call ends."""
PAUSE_SECONDS: Final = 4.0
"""Failures that come closer together are one to the caller."""
PLAY_SECONDS: Final = 10.0

GiveUp = Callable[[ProviderKind, BaseException], Awaitable[None]]


class FailureCount:
    """Counts failures in a row by kind. Pure."""

    def __init__(self) -> None:
        self._counts: dict[ProviderKind, int] = {}

    def failed(self, kind: ProviderKind) -> bool:
        """One more; whether that is one too many."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return self._counts[kind] >= MAX_FAILURES

    def worked(self, *kinds: ProviderKind) -> None:
        """It works again."""
        for kind in kinds:
            self._counts.pop(kind, None)


class Apology:
    """Apologises in one session."""

    def __init__(
        self,
        session: AgentSession[None],
        room: rtc.Room,
        clips: ClipStore,
        language: str,
        give_up: GiveUp,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`give_up` is called once, when the caller was told that the call ends."""
        self._session = session
        self._room = room
        self._clips = clips
        self._language = language
        self._give_up = give_up
        self._clock = clock
        self._count = FailureCount()
        self._last = -PAUSE_SECONDS
        self._ending = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def texts(self) -> list[str]:
        """What may have to be said."""
        return [sentence(APOLOGY, self._language), sentence(GIVING_UP, self._language)]

    def follow(self) -> None:
        """Listen to the session's failures from now on."""
        self._session.on("error", self._on_error)
        self._session.on("conversation_item_added", self._on_item)
        self._session.on("user_input_transcribed", self._on_transcript)

    async def close(self) -> None:
        """Say no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_error(self, event: ErrorEvent) -> None:
        kind = kind_of(getattr(event.error, "type", ""))
        if kind is None or event.error.recoverable or self._ending:
            return
        cause = getattr(event.error, "error", None) or RuntimeError("unknown")
        if kind == "realtime":
            # it closes the session, and fails once more at that, so that nobody is told of the close
            self._ending = True
            self._spawn(self._end_without_session(kind, cause))
        elif self._count.failed(kind):
            self._ending = True
            self._spawn(self._end(kind, cause))
        elif self._clock() - self._last >= PAUSE_SECONDS:
            self._last = self._clock()
            self._spawn(self._say(sentence(APOLOGY, self._language)))

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if isinstance(item, ChatMessage) and item.role == "assistant":
            self._count.worked("llm")
            if item.metrics.get("tts_node_ttfb") is not None:
                self._count.worked("tts")

    def _on_transcript(self, event: UserInputTranscribedEvent) -> None:
        if event.transcript:
            self._count.worked("stt")

    async def _say(self, text: str, last: bool = False) -> None:
        frames = await asyncio.to_thread(self._clips.get, text)
        try:
            # not part of what was said: the model is not to talk about it. What is typed into speech that may not be
            # interrupted is lost
            await self._session.say(text, audio=stream(frames), allow_interruptions=not last, add_to_chat_ctx=False)
        except RuntimeError as error:
            # the caller is gone, or the session is about to close
            logger.info("An apology was not said: %s", error)

    async def _end(self, kind: ProviderKind, cause: BaseException) -> None:
        try:
            async with asyncio.timeout(PLAY_SECONDS):
                await self._say(sentence(GIVING_UP, self._language), last=True)
        except TimeoutError:
            logger.info("The last apology took too long and was cut off")
        await self._give_up(kind, cause)

    async def _end_without_session(self, kind: ProviderKind, cause: BaseException) -> None:
        await play_out(self._room, await asyncio.to_thread(self._clips.get, sentence(GIVING_UP, self._language)))
        await self._give_up(kind, cause)

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine, name="apology")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def play_out(room: rtc.Room, frames: Frames) -> None:
    """Play a clip into the room without a session: for one that is closed already. Within PLAY_SECONDS."""
    if not room.isconnected() or not frames:
        return
    source = rtc.AudioSource(frames[0].sample_rate, frames[0].num_channels)
    try:
        async with asyncio.timeout(PLAY_SECONDS):
            track = rtc.LocalAudioTrack.create_audio_track("apology", source)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            publication = await room.local_participant.publish_track(track, options)
            await publication.wait_for_subscription()
            for frame in frames:
                await source.capture_frame(frame)
            await source.wait_for_playout()
    except Exception as error:
        logger.info("The last apology was not heard: %s", str(error) or type(error).__name__)
    finally:
        await source.aclose()
