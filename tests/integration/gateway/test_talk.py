"""`voiceagent talk`: calls from the terminal, in real rooms, with a token of a real gateway."""

import array
import asyncio
import math
import os
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from livekit import api, rtc
from local_livekit import LiveKit, livekit_server
from room_agent import RoomAgent

PATIENCE_SECONDS = 120.0
RATE = 16_000


class Hearer(RoomAgent):
    """An agent that notices sound."""

    def __init__(self, livekit: LiveKit) -> None:
        super().__init__(livekit)
        self.loudest = 0
        self._room.on("track_subscribed", self._on_caller)

    def _on_caller(self, track: rtc.Track, *_: object) -> None:
        self._hearing = asyncio.ensure_future(self._listen(track))

    async def _listen(self, track: rtc.Track) -> None:
        async for event in rtc.AudioStream(track, sample_rate=RATE, num_channels=1):
            self.loudest = max(self.loudest, *map(abs, event.frame.data))


class Talk:
    """The program, and what it printed."""

    def __init__(self, folder: Path, *words: str, **environment: str) -> None:
        self._files = (folder / "out.txt", folder / "err.txt")
        with self._files[0].open("wb") as out, self._files[1].open("wb") as err:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).with_name("voiceagent")), "talk", *words],
                stdin=subprocess.PIPE, stdout=out, stderr=err, cwd=folder, env={**os.environ, **environment},
            )  # fmt: skip

    @property
    def out(self) -> str:
        return self._files[0].read_text()

    @property
    def err(self) -> str:
        return self._files[1].read_text()

    def until(self, look: Callable[[], Any], what: str = "") -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not look():
            assert self.process.poll() is None, self.out + self.err
            assert time.monotonic() < end, f"{what}\n{self.out}\n{self.err}"
            time.sleep(0.05)

    @property
    def room(self) -> str:
        """Where it waits for the agent, once it has a token."""
        self.shows("(calling, room ")
        return self.err.split("(calling, room ", 1)[1].split(")", 1)[0]

    def shows(self, words: str) -> None:
        self.until(lambda: words in self.err or words in self.out, words)

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def end(self) -> int:
        """Its exit code, once there is nothing more to type."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = self.process.wait(PATIENCE_SECONDS * 2)
        assert "Traceback" not in self.err and "eyJ" not in self.out + self.err, self.err
        return code


@pytest.fixture(scope="module")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKit]:
    with livekit_server(tmp_path_factory.mktemp("livekit")) as server:
        yield server


@pytest.fixture
def address(
    place: Any, livekit: LiveKit, start_gateway: Callable[..., Any], grant: Callable[..., Path], gateway_rules: Any
) -> str:
    """A gateway's, for one VoiceAgent that is ready."""
    rules = [*gateway_rules, {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]}]
    kubeconfig = grant(f"talk-{place.namespace}", place.namespace, rules)
    place.voice_agent(language="en")
    place.agent_status()
    place.secret()
    gateway = start_gateway(kubeconfig, f"--namespace={place.namespace}", livekit_url=livekit.url)
    gateway.until(gateway.ready)
    return str(gateway.address)


@pytest.fixture
def talk(place: Any, address: str, tmp_path: Path) -> Iterator[Callable[..., Talk]]:
    """Calls the agent."""
    started: list[Talk] = []

    def call(*words: str, **environment: str) -> Talk:
        named = ("receptionist", "--namespace", place.namespace, "--gateway", address)
        started.append(Talk(tmp_path, *named, *words, **environment))
        return started[-1]

    yield call
    for one in started:
        one.process.kill()
        one.process.wait()


@pytest.fixture
def agent(livekit: LiveKit) -> Iterator[Hearer]:
    agent = Hearer(livekit)
    yield agent
    agent.leave()


def answers(agent: RoomAgent, words: str, segment: str) -> None:
    """As an agent does: thinks, says something aloud, and listens."""
    for state in ("thinking", "speaking"):
        agent.state(state)
    agent.say(words, segment)
    time.sleep(1)
    agent.state("listening")


def people(livekit: LiveKit, room: str | None = None) -> list[str]:
    """Who is in a room, or in all rooms of this server."""

    async def ask() -> list[str]:
        async with livekit.client() as client:
            rooms = (await client.room.list_rooms(api.ListRoomsRequest(names=[room] if room else []))).rooms
            found = [await client.room.list_participants(api.ListParticipantsRequest(room=room.name)) for room in rooms]
            return [one.identity for listed in found for one in listed.participants]

    return asyncio.run(ask())


def recording(path: Path, seconds: float, amplitude: int = 8000) -> Path:
    samples = (int(amplitude * math.sin(2 * math.pi * 300 * index / RATE)) for index in range(int(seconds * RATE)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(array.array("h", samples).tobytes())
    return path


def test_lines_are_typed_one_after_the_other_and_what_the_agent_says_is_shown(
    talk: Callable[..., Talk], agent: Hearer, livekit: LiveKit
) -> None:
    one = talk("--wait", "100")
    agent.join(room=one.room)
    answers(agent, "Hello, this is\nthe desk.", "a1")
    one.shows("agent: Hello, this is the desk.\n")
    one.type("Are you open?")
    one.type("Until when?")
    agent.until_heard("Are you open?")
    assert "Until when?" not in agent.heard
    answers(agent, "Yes, from nine to one.", "a2")
    agent.until_heard("Until when?")
    answers(agent, "As I said: one.", "a3")
    assert one.end() == 0, one.err
    assert one.out == "agent: Hello, this is the desk.\nagent: Yes, from nine to one.\nagent: As I said: one.\n"
    assert "(thinking)" in one.err and "(the call is over)" in one.err


def test_a_recording_is_heard_and_the_answer_saved(talk: Callable[..., Talk], agent: Hearer, tmp_path: Path) -> None:
    one = talk("--wait", "100", "--wav", str(recording(tmp_path / "question.wav", 1.5)), "--save", "answer.wav")
    agent.join(room=one.room)
    one.shows("(playing 1.5 s)")
    one.until(lambda: agent.loudest > 4000, "the recording is heard")
    agent.hear("Are you", "q1", final=False)
    agent.hear("Are you open?", "q1")
    answers(agent, "Yes, from nine to one.", "a1")
    assert one.end() == 0, one.err
    assert one.out == "you: Are you open?\nagent: Yes, from nine to one.\n"
    with wave.open(str(tmp_path / "answer.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
        samples = array.array("h", file.readframes(file.getnframes()))
    assert max(samples) > 1000


def test_an_agent_that_does_not_come_is_told_with_what_to_do(
    talk: Callable[..., Talk], place: Any, livekit: LiveKit
) -> None:
    one = talk()
    assert one.end() == 6
    assert f"did not join within 20 s. See by `voiceagent status receptionist -n {place.namespace}`" in one.err
    assert not one.out


def test_an_agent_that_is_not_ready_yet_is_asked_for_again(
    talk: Callable[..., Talk], agent: Hearer, place: Any
) -> None:
    place.agent_status(ready=0, message="Its first pod starts.")
    one = talk("--wait", "100")
    one.shows("Asking again.)")
    assert "(calling" not in one.err
    place.agent_status()
    one.shows("(calling")
    agent.join(room=one.room)
    one.shows("(listening)")
    assert one.end() == 0
    place.agent_status(ready=0, message="Its first pod starts.")
    two = talk("--wait", "1")
    assert two.end() == 6
    assert "has no ready worker pod now. Its first pod starts." in two.err


def test_an_agent_that_leaves_is_told_and_so_is_one_that_ends_the_call(
    talk: Callable[..., Talk], agent: Hearer, livekit: LiveKit
) -> None:
    one = talk("--wait", "20", "--room", "left")
    agent.join(room=one.room)
    one.shows("(listening)")
    agent.leave()
    one.until(lambda: "(The agent has left.)" in one.err)
    assert one.end() == 6
    assert "The agent left, and no other came within 20 s." in one.err

    other = Hearer(livekit)
    try:
        two = talk("--wait", "100", "--room", "closed")
        other.join(room=two.room)
        two.shows("(listening)")

        async def close() -> None:
            async with livekit.client() as client:
                await client.room.delete_room(api.DeleteRoomRequest(room="closed"))

        asyncio.run(close())
        assert two.process.wait(PATIENCE_SECONDS) == 0, two.err
        assert "(the call is over)" in two.err
    finally:
        other.leave()


def test_an_interrupt_hangs_up(talk: Callable[..., Talk], agent: Hearer, livekit: LiveKit) -> None:
    one = talk("--wait", "100")
    agent.join(room=one.room)
    one.shows("(listening)")
    assert len(people(livekit, one.room)) == 2
    one.process.send_signal(signal.SIGINT)
    assert one.process.wait(PATIENCE_SECONDS) == 130
    assert one.err.endswith("Error: Interrupted.\n") and "Traceback" not in one.err
    assert people(livekit, one.room) == ["agent"]


def test_what_cannot_be_done_is_told_in_a_sentence(
    talk: Callable[..., Talk], place: Any, address: str, tmp_path: Path, livekit: LiveKit
) -> None:
    there = set(people(livekit))  # callers of the tests before are seen for some seconds

    def refused(code: int, told: str, *words: str, **environment: str) -> None:
        one = talk(*words, **environment)
        assert one.end() == code, one.err
        assert told in one.err

    silent = recording(tmp_path / "silent.wav", 0.5, amplitude=10)
    (tmp_path / "notes.wav").write_text("none")
    refused(2, "two ways to speak", "--wav", str(silent), "--microphone")
    refused(2, "give one by --wav FILE", "--save", "a.wav")
    refused(4, "There is no folder nowhere for a.wav.", "--wav", str(silent), "--save", "nowhere/a.wav")
    refused(4, "There is no file none.wav.", "--wav", "none.wav")
    refused(3, "There is nothing to be heard in", "--wav", str(silent))
    refused(3, "is no wav file with PCM sound", "--wav", "notes.wav")
    (tmp_path / "livekit").mkdir()
    (tmp_path / "livekit/__init__.py").write_text("")
    refused(4, "pip install livekit, or in a checkout pip install './cli[talk]'.", PYTHONPATH=str(tmp_path))
    unknown = Talk(tmp_path, "nowhere/nobody", "--gateway", address)
    assert unknown.end() == 4, unknown.err
    assert set(people(livekit)) <= there, "nobody has come"


def test_a_machine_without_sound_is_told(talk: Callable[..., Talk]) -> None:
    with suppress(rtc.PlatformAudioError):
        if rtc.PlatformAudio().recording_devices():
            pytest.skip("this machine has a microphone")
    one = talk("--microphone")
    assert one.end() == 4
    assert "was found on this machine. Connect one, or talk in writing" in one.err
    assert "platform_audio" not in one.err
