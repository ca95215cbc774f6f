"""What the caller is tested against: a real livekit-server, and an agent whose delays are known.

Agent and speech endpoints talk in tones, one a word: what is heard can be written down exactly without a model.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from livekit import api, rtc
from local_livekit import API_KEY, API_SECRET, livekit_server
from numpy.typing import NDArray
from processes import free_port

RATE = 24_000
VOCABULARY = ["hello", "how", "can", "i", "help", "when", "are", "you", "open", "we", "at", "nine", "one", "two"]
_TONE_SECONDS, _PAUSE_SECONDS = 0.22, 0.2
_LONGEST_DROPOUT = 8


def speak(text: str) -> NDArray[np.int16]:
    """A sentence as tones."""
    moments = np.arange(int(_TONE_SECONDS * RATE)) / RATE
    pause = np.zeros(int(_PAUSE_SECONDS * RATE))
    words = [w.strip(".,?!").lower() for w in text.split()]
    tones = [0.3 * np.sin(2 * np.pi * (400 + 120 * VOCABULARY.index(word)) * moments) for word in words]
    return (np.concatenate([part for tone in tones for part in (tone, pause)]) * 32767).astype(np.int16)


def understand(samples: NDArray[np.int16]) -> str:
    """The sentence in a recording of tones."""
    step = RATE // 100
    frames = samples[: len(samples) // step * step].reshape(-1, step).astype(np.float64)
    loud = np.sqrt((frames**2).mean(axis=1)) > 1000
    # A busy machine loses a packet now and then: a short hole does not end a word.
    for index in np.flatnonzero(loud):
        if loud[index + 1 : index + 1 + _LONGEST_DROPOUT].any():
            loud[index + 1 : index + 1 + int(np.argmax(loud[index + 1 :]))] = True
    words = []
    for is_loud, run in itertools.groupby(range(len(loud)), key=lambda index: bool(loud[index])):
        indexes = list(run)
        if is_loud and len(indexes) >= 8:
            tone = frames[indexes[2] : indexes[-2]].reshape(-1)
            peak = np.argmax(np.abs(np.fft.rfft(tone))) * RATE / len(tone)
            words.append(VOCABULARY[min(max(round((peak - 400) / 120), 0), len(VOCABULARY) - 1)])
    return " ".join(words)


@dataclass(frozen=True)
class Script:
    """How the agent behaves."""

    greeting: str | None = "Hello, how can I help?"
    answer: str = "We are open at nine."
    answer_delays: tuple[float, ...] = (0.7,)
    """From the caller's last sound, one for each turn; after the last the agent is silent for ever."""
    leaves_instead_of_answering: bool = False
    busy_answers: int = 0
    """How often the gateway says that there is no place before it gives a token."""


@dataclass
class World:
    """The address of gateway and speech endpoints, and what the agent has noticed."""

    url: str
    heard: list[str] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    """From the caller's last sound as the agent heard it to the answer's first as the agent sent it."""
    tokens_asked: int = 0
    caller_heard: asyncio.Event = field(default_factory=asyncio.Event)
    caller_left: asyncio.Event = field(default_factory=asyncio.Event)
    send_agent: Callable[[str], None] = lambda room: None
    """Sends another agent to a room."""


class ScriptedAgent:
    """A participant of the kind AGENT that greets, listens, and answers after a known delay."""

    def __init__(self, identity: str, script: Script, world: World, livekit_url: str) -> None:
        self._identity, self._script, self._world, self._url = identity, script, world, livekit_url
        self._room = rtc.Room()
        self._source = rtc.AudioSource(RATE, 1)
        self._track_sid = ""
        self._greeting: asyncio.Task[None] | None = None
        self._segments = itertools.count()
        self._caller_track: asyncio.Future[rtc.Track] = asyncio.get_running_loop().create_future()
        self._room.on("track_subscribed", lambda track, *_: self._caller_track.set_result(track))
        self._room.on("participant_disconnected", lambda _: world.caller_left.set())

    async def attend(self, room: str) -> None:
        await self._room.connect(self._url, make_token(room, self._identity, kind="agent"))
        try:
            track = rtc.LocalAudioTrack.create_audio_track("voice", self._source)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            publication = await self._room.local_participant.publish_track(track, options)
            self._track_sid = publication.sid
            await publication.wait_for_subscription()
            await self._converse()
        finally:
            await self._room.disconnect()

    async def _converse(self) -> None:
        await self._set_state("listening")
        if self._script.greeting is not None:
            self._greeting = asyncio.create_task(self._say(self._script.greeting))
        async for said, last_sound_at in self._utterances(await self._caller_track):
            await self._set_state("listening")
            self._world.heard.append(said)
            self._world.caller_heard.set()
            await self._write_down(said)
            await self._set_state("thinking")
            turn = len(self._world.heard) - 1
            if self._script.leaves_instead_of_answering:
                return
            if turn < len(self._script.answer_delays):
                await asyncio.sleep(last_sound_at + self._script.answer_delays[turn] - time.monotonic())
                self._world.delays.append(time.monotonic() - last_sound_at)
                await self._say(self._script.answer)

    async def _say(self, text: str) -> None:
        samples = speak(text)
        writer = await self._room.local_participant.stream_text(
            topic="lk.transcription", attributes=self._attributes(), sender_identity=self._identity
        )
        state = asyncio.create_task(self._set_state("speaking"))
        for begin in range(0, len(samples), RATE // 10):
            part = samples[begin : begin + RATE // 10]
            await self._source.capture_frame(rtc.AudioFrame(part.tobytes(), RATE, 1, len(part)))
            if begin == 0:
                await writer.write(text[:5])
        await writer.write(text[5:])
        await self._source.wait_for_playout()
        await writer.aclose(attributes={"lk.transcription_final": "true"})
        await state
        await self._set_state("listening")

    async def _write_down(self, text: str) -> None:
        """What the caller said: a first guess, and then the whole of it."""
        attributes = self._attributes()
        for guess, final in ((text.split()[0], "false"), (text, "true")):
            attributes["lk.transcription_final"] = final
            writer = await self._room.local_participant.stream_text(
                topic="lk.transcription", attributes=attributes, sender_identity="caller"
            )
            await writer.write(guess)
            await writer.aclose()

    def _attributes(self) -> dict[str, str]:
        return {
            "lk.segment_id": f"SG_{self._identity}_{next(self._segments)}",
            "lk.transcription_final": "false",
            "lk.transcribed_track_id": self._track_sid,
        }

    async def _set_state(self, state: str) -> None:
        await self._room.local_participant.set_attributes({"lk.agent.state": state})

    async def _utterances(self, track: rtc.Track) -> AsyncIterator[tuple[str, float]]:
        """What the caller said and the time of its last sound, told half a second after it."""
        stream = rtc.AudioStream.from_track(track=track, sample_rate=RATE, frame_size_ms=10)
        heard: list[NDArray[np.int16]] = []
        last_sound_at = 0.0
        async for event in stream:
            samples = np.frombuffer(event.frame.data, dtype=np.int16)
            heard.append(samples)
            if np.abs(samples.astype(np.int32)).max() > 1000:
                last_sound_at = time.monotonic()
                if self._greeting is not None and self._greeting.cancel():
                    self._source.clear_queue()
            if last_sound_at and time.monotonic() - last_sound_at > 0.5:
                yield understand(np.concatenate(heard)), last_sound_at
                heard, last_sound_at = [], 0.0


def make_token(room: str, identity: str, kind: Any = "standard") -> str:
    grants = api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True)
    return api.AccessToken(API_KEY, API_SECRET).with_identity(identity).with_kind(kind).with_grants(grants).to_jwt()


@asynccontextmanager
async def running_world(script: Script, livekit_url: str) -> AsyncIterator[World]:
    """A gateway that dispatches the scripted agent, and speech endpoints that know tones, on one address."""
    agents: list[asyncio.Task[None]] = []
    world = World(url="")

    def send_agent(room: str) -> None:
        agent = ScriptedAgent(f"agent-{len(agents) + 1}", script, world, livekit_url)
        agents.append(asyncio.create_task(agent.attend(room)))

    world.send_agent = send_agent

    async def give_token(request: web.Request) -> web.Response:
        world.tokens_asked += 1
        if world.tokens_asked <= script.busy_answers:
            return web.json_response({"detail": "All lines are busy."}, status=503, headers={"Retry-After": "1"})
        if request.query["agent"] != "default/receptionist":
            return web.json_response({"detail": "There is no such agent."}, status=404)
        room = f"room-{time.monotonic_ns()}"
        send_agent(room)
        token = make_token(room, "caller")
        return web.json_response({"url": livekit_url, "token": token, "room": room, "identity": "caller"})

    async def synthesise(request: web.Request) -> web.Response:
        return web.Response(body=speak((await request.json())["input"]).tobytes(), content_type="audio/pcm")

    async def transcribe(request: web.Request) -> web.Response:
        upload = (await request.post())["file"]
        assert isinstance(upload, web.FileField)
        wav = upload.file.read()
        return web.json_response({"text": understand(np.frombuffer(wav[44:], dtype=np.int16))})

    application = web.Application()
    application.router.add_get("/token", give_token)
    application.router.add_post("/v1/audio/speech", synthesise)
    application.router.add_post("/v1/audio/transcriptions", transcribe)
    runner = web.AppRunner(application)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    world.url = f"http://127.0.0.1:{port}"
    try:
        yield world
    finally:
        for agent in agents:
            agent.cancel()
        await asyncio.gather(*agents, return_exceptions=True)
        await runner.cleanup()


@pytest.fixture(scope="session")
def livekit_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A livekit-server of these tests' own."""
    with livekit_server(tmp_path_factory.mktemp("livekit")) as server:
        yield server.url


@pytest.fixture
def in_world(livekit_url: str) -> Callable[[Script, Callable[[World], Awaitable[None]]], None]:
    """Runs a test's body against an agent that follows a script."""

    async def run(script: Script, body: Callable[[World], Awaitable[None]]) -> None:
        async with asyncio.timeout(90), running_world(script, livekit_url) as world:
            await body(world)

    return lambda script, body: asyncio.run(run(script, body))


@pytest.fixture
def script() -> type[Script]:
    return Script
