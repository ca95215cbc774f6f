"""A caller who speaks with the speech server's voice."""

import aiohttp
from livekit import rtc
from person import Caller
from speech_server import SpeechServer

RATE = 24_000
SILENCE_SECONDS = 3


async def speak(caller: Caller, speech: SpeechServer, text: str) -> None:
    """Say it aloud, with silence behind it."""
    body = {"model": "tts-1", "voice": "alloy", "input": text, "response_format": "pcm"}
    headers = {"Authorization": "Bearer any"}
    async with (
        aiohttp.ClientSession(headers=headers, raise_for_status=True) as http,
        http.post(f"{speech.url}/v1/audio/speech", json=body) as answer,
    ):
        sound = await answer.read() + bytes(2 * RATE * SILENCE_SECONDS)
    source = rtc.AudioSource(RATE, 1)
    track = rtc.LocalAudioTrack.create_audio_track("voice", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await caller.room.local_participant.publish_track(track, options)
    step = RATE // 50 * 2
    for at in range(0, len(sound) - step, step):
        await source.capture_frame(rtc.AudioFrame(sound[at : at + step], RATE, 1, step // 2))
    await source.wait_for_playout()
