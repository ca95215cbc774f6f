"""What a caller hears when nobody can speak any more."""

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import ConversationItemAddedEvent, ErrorEvent, UserInputTranscribedEvent, utils
from livekit.agents.llm import ChatMessage, LLMError, RealtimeModelError
from livekit.agents.stt import STTError
from livekit.agents.tts import TTSError
from provider_wire import SOUND, Wire, provider_wire
from voiceagent_api.agent_config import ProviderConfig
from voiceagent_worker.apology import MAX_FAILURES, Apology
from voiceagent_worker.clips import TONE, ClipStore, cut, tone
from voiceagent_worker.providers import find_factory
from voiceagent_worker.providers.keys import ProviderCredentials
from voiceagent_worker.sentences import APOLOGY, BACK, GIVING_UP, MAINTENANCE, TIME_IS_UP

VOICE = ProviderConfig(provider="openai", model="tts-1", voice="alloy")
ERRORS: dict[str, Any] = {"realtime_model": RealtimeModelError, "llm": LLMError, "stt": STTError, "tts": TTSError}


def seconds(frames: list[rtc.AudioFrame]) -> float:
    return sum(frame.duration for frame in frames)


class Session(rtc.EventEmitter[str]):
    """An AgentSession as far as an apology goes."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, float]] = []
        self.closed = False

    def say(self, text: str, *, audio: AsyncIterable[rtc.AudioFrame], **more: Any) -> Any:
        assert more == {"allow_interruptions": text != GIVING_UP["fr"], "add_to_chat_ctx": False}
        if self.closed:
            raise RuntimeError("AgentSession isn't running")

        async def heard() -> None:
            self.said.append((text, seconds([frame async for frame in audio])))

        return asyncio.ensure_future(heard())

    def fail(self, kind: str, recoverable: bool = False) -> None:
        error = ERRORS[kind](timestamp=0.0, label=kind, error=ValueError("x"), recoverable=recoverable)
        self.emit("error", ErrorEvent(error=error, source=None))


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Heard:
    def __init__(self, folder: Path) -> None:
        self.session: Any = Session()
        self.clock = Clock()
        self.given_up: list[str] = []

        async def give_up(kind: Any, cause: BaseException) -> None:
            self.given_up.append(kind)

        clips = ClipStore(folder, VOICE, "fr")
        self.apology = Apology(self.session, rtc.Room(), clips, "fr", give_up, self.clock)
        self.apology.follow()

    async def fails(self, kind: str, *, times: int = 1, apart: float = 10.0) -> None:
        for _ in range(times):
            self.clock.now += apart
            self.session.fail(kind)
            while self.apology._tasks:
                await asyncio.gather(*self.apology._tasks)


@pytest.fixture
async def heard(tmp_path: Path) -> Heard:
    return Heard(tmp_path)


async def test_a_failure_is_apologised_for_with_a_tone_where_nothing_could_be_prepared(heard: Heard) -> None:
    await heard.fails("llm")
    ((text, length),) = heard.session.said
    assert text == APOLOGY["fr"] and length == pytest.approx(sum(part for _, part in TONE), abs=0.03)


async def test_failures_that_come_together_are_one_to_the_caller(heard: Heard) -> None:
    await heard.fails("llm")
    await heard.fails("tts", apart=0.1)
    assert len(heard.session.said) == 1


async def test_what_was_only_tried_again_is_not_apologised_for(heard: Heard) -> None:
    heard.session.fail("llm", recoverable=True)
    heard.session.emit("error", ErrorEvent(error=ValueError("else"), source=None))
    await asyncio.sleep(0)
    assert heard.session.said == []


@pytest.mark.parametrize("kind", ["stt", "llm", "tts"])
async def test_a_provider_that_fails_again_and_again_ends_the_call_with_a_word(heard: Heard, kind: str) -> None:
    await heard.fails(kind, times=MAX_FAILURES + 2)
    assert [text for text, _ in heard.session.said] == [APOLOGY["fr"]] * (MAX_FAILURES - 1) + [GIVING_UP["fr"]]
    assert heard.given_up == [kind]


async def test_an_answer_in_between_begins_the_count_anew(heard: Heard) -> None:
    spoken = ChatMessage(role="assistant", content=["words"], metrics={"tts_node_ttfb": 0.2})
    understood = UserInputTranscribedEvent(transcript="words", is_final=True)
    for kind in ("llm", "tts", "stt"):
        await heard.fails(kind, times=MAX_FAILURES - 1)
        heard.session.emit("conversation_item_added", ConversationItemAddedEvent(item=spoken))
        heard.session.emit("user_input_transcribed", understood)
        await heard.fails(kind, times=MAX_FAILURES - 1)
        heard.session.emit("conversation_item_added", ConversationItemAddedEvent(item=spoken))
    assert heard.given_up == []


async def test_an_answer_that_was_not_spoken_does_not_forgive_the_voice(heard: Heard) -> None:
    for _ in range(MAX_FAILURES):
        await heard.fails("tts")
        unspoken = ChatMessage(role="assistant", content=["words"])
        heard.session.emit("conversation_item_added", ConversationItemAddedEvent(item=unspoken))
    assert heard.given_up == ["tts"]


async def test_a_session_that_is_closed_is_given_up_all_the_same(heard: Heard) -> None:
    heard.session.closed = True
    await heard.fails("llm", times=MAX_FAILURES)
    assert (heard.session.said, heard.given_up) == ([], ["llm"])


async def test_a_realtime_model_that_fails_for_good_ends_the_call_at_once(heard: Heard) -> None:
    await heard.fails("realtime_model", times=2)
    assert (heard.session.said, heard.given_up) == ([], ["realtime"])


def test_every_sentence_is_there_in_the_same_languages() -> None:
    languages = {tuple(sorted(table)) for table in (APOLOGY, GIVING_UP, BACK, MAINTENANCE, TIME_IS_UP)}
    assert len(languages) == 1


def test_the_tone_is_soft_and_ends_where_it_began() -> None:
    samples = memoryview(b"".join(bytes(frame.data) for frame in tone())).cast("h")
    assert 0 < max(map(abs, samples)) < 32767 * 0.25
    assert abs(samples[0]) < 100 and abs(samples[-1]) < 100


@pytest.mark.parametrize(("length", "frames"), [(0, 0), (960, 1), (962, 2), (4800, 5)])
def test_sound_is_cut_into_frames_of_20_ms(length: int, frames: int) -> None:
    made = cut(b"\1\0" * (length // 2), 24000, 1)
    assert len(made) == frames and all(frame.samples_per_channel == 480 for frame in made)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    utils.http_context._new_session_ctx()
    async with provider_wire() as server:
        yield server
    await utils.http_context._close_http_ctx()


def voice_at(wire: Wire) -> Any:
    config = VOICE.model_copy(update={"base_url": f"{wire.url}/v1"})
    return find_factory("tts", "openai")(config, "en", ProviderCredentials("sk"))


async def test_a_clip_is_made_once_a_pod_and_kept_by_voice_and_words(wire: Wire, tmp_path: Path) -> None:
    voice = voice_at(wire)
    store = ClipStore(tmp_path / "clips", VOICE, "en")
    await store.prepare(voice, ["one", "two"])
    await ClipStore(tmp_path / "clips", VOICE, "en").prepare(voice, ["one", "two"])
    assert len(wire.asked) == 2
    assert seconds(store.get("one")) == pytest.approx(len(SOUND) / 48000, abs=0.03)
    other = ClipStore(tmp_path / "clips", VOICE.model_copy(update={"voice": "nova"}), "en")
    assert seconds(other.get("one")) == seconds(tone())
    await voice.aclose()


async def test_a_clip_that_cannot_be_made_is_tried_again_by_the_next_call(wire: Wire, tmp_path: Path) -> None:
    voice = voice_at(wire)
    store = ClipStore(tmp_path / "clips", VOICE, "en")
    wire.fault = "401"
    await store.prepare(voice, ["one"])
    assert seconds(store.get("one")) == seconds(tone())
    wire.fault = "none"
    await store.prepare(voice, ["one"])
    assert seconds(store.get("one")) != seconds(tone())
    assert [path.suffix for path in (tmp_path / "clips").iterdir()] == [".wav"]
    await voice.aclose()


async def test_a_clip_that_another_call_is_at_is_left_to_it(wire: Wire, tmp_path: Path) -> None:
    voice = voice_at(wire)
    store = ClipStore(tmp_path, VOICE, "en")
    mark = store._path("one").with_suffix(".making")
    mark.touch()
    await store.prepare(voice, ["one"])
    assert wire.asked == []
    os.utime(mark, (0, 0))  # that call died
    await store.prepare(voice, ["one"])
    assert len(wire.asked) == 1 and not mark.exists()
    await voice.aclose()


def test_a_broken_clip_is_a_tone(tmp_path: Path) -> None:
    store = ClipStore(tmp_path, VOICE, "en")
    for content in (b"", b"RIFF", b"\0" * 100):
        store._path("one").write_bytes(content)
        assert seconds(store.get("one")) == seconds(tone())


def test_a_realtime_model_has_tones_only(tmp_path: Path) -> None:
    assert seconds(ClipStore(tmp_path, None, "en").get("one")) == seconds(tone())
