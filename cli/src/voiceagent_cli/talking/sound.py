"""Sound into a call and out of it: a recording, or the machine's own microphone and speaker."""

import asyncio
from contextlib import suppress
from typing import Final

from livekit import rtc

from voiceagent_cli.errors import CliError, Exit
from voiceagent_cli.talking.recordings import SAMPLE_BYTES, Recording

FRAMES_A_SECOND: Final = 50
QUEUE_MILLISECONDS: Final = 200
"""How far ahead of its time a recording is handed over."""
FRAME_SECONDS: Final = 5.0
"""For one frame to be taken, which lasts a fiftieth of a second."""
KEPT_RATE: Final = 24_000
"""The samples a second of what is kept of the answer: those of the speech that most models make."""
KEPT_SECONDS: Final = 300.0
NO_DEVICE: Final = (
    "No {} was found on this machine. Connect one, or talk in writing (without --microphone) or by --wav FILE."
)


class Player:
    """Plays a recording, and is silent after that: who listens for the end of speech needs silence to hear."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._source = rtc.AudioSource(recording.rate, recording.channels, queue_size_ms=QUEUE_MILLISECONDS)
        self.track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        self.played = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled. Raises CliError where the sound is not taken."""
        size = self._recording.rate // FRAMES_A_SECOND * self._recording.channels * SAMPLE_BYTES
        samples = self._recording.samples
        for start in range(0, len(samples), size):
            await self._push(samples[start : start + size])
        self.played.set()
        while True:
            await self._push(bytes(size))

    async def close(self) -> None:
        """Let go of it."""
        await self._source.aclose()

    async def _push(self, samples: bytes) -> None:
        channels = self._recording.channels
        frame = rtc.AudioFrame(samples, self._recording.rate, channels, len(samples) // (SAMPLE_BYTES * channels))
        try:
            async with asyncio.timeout(FRAME_SECONDS):
                await self._source.capture_frame(frame)
        except TimeoutError:
            sentence = f"The sound was not taken within {FRAME_SECONDS:g} s. Call again."
            raise CliError(sentence, Exit.UNREACHABLE) from None


class Keeper:
    """Keeps what the agent says, KEPT_SECONDS of it at most."""

    def __init__(self) -> None:
        self._samples = bytearray()
        self._task: asyncio.Task[None] | None = None
        self.keeping = False

    def listen_to(self, track: rtc.RemoteAudioTrack) -> None:
        """From now on to this one: an agent that took over has another voice track."""
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.create_task(self._listen(track), name="keeper")

    @property
    def kept(self) -> Recording:
        """What was said while it was keeping."""
        return Recording(bytes(self._samples), KEPT_RATE)

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self, track: rtc.RemoteAudioTrack) -> None:
        stream = rtc.AudioStream(track, sample_rate=KEPT_RATE, num_channels=1, capacity=FRAMES_A_SECOND)
        try:
            async for event in stream:
                if self.keeping and len(self._samples) < KEPT_SECONDS * KEPT_RATE * SAMPLE_BYTES:
                    self._samples += event.frame.data.cast("b")
        finally:
            await stream.aclose()


class Devices:
    """Microphone and speaker of this machine, by WebRTC's own way to them, which takes out the speaker's echo."""

    def __init__(self) -> None:
        """Raises CliError where there are none."""
        try:
            self._platform = rtc.PlatformAudio()
        except rtc.PlatformAudioError:
            raise CliError(NO_DEVICE.format("sound device"), Exit.NOT_FOUND) from None
        try:
            lacking = [
                name
                for name, found in (
                    ("microphone", self._platform.recording_devices()),
                    ("speaker", self._platform.playout_devices()),
                )
                if not found
            ]
            if lacking:
                raise CliError(NO_DEVICE.format(" and no ".join(lacking)), Exit.NOT_FOUND)
            self._source = self._platform.create_audio_source()
        except rtc.PlatformAudioError as error:
            raise CliError(f"The machine's sound cannot be used: {error}.", Exit.NOT_FOUND) from None
        except CliError:
            self._platform.close()
            raise
        self.track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)

    def close(self) -> None:
        """Let go of the devices."""
        with suppress(rtc.PlatformAudioError):
            self._source.close()
            self._platform.close()
