"""What is said in calls, as the worker holds it and gives it out."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_worker.channel import MAX_LINE_BYTES
from voiceagent_worker.events import LineSaid, SentEvent, SessionEnded, SessionStarted, WordsSaid, encode
from voiceagent_worker.said import MAX_CHARACTERS, SaidTeller, count_words
from voiceagent_worker.transcript_routes import transcript_routes, until_fetched
from voiceagent_worker.transcripts import ANSWER_BYTES, KEEP_ENDED, POD_BYTES, SESSION_LINES, HeldTranscripts

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TOKEN = {"Authorization": "Bearer right"}


@dataclass
class Pod:
    """A worker's transcripts, and what they depend on."""

    now: datetime = NOON
    wanted: bool = True
    held: HeldTranscripts = field(init=False)

    def __post_init__(self) -> None:
        self.held = HeldTranscripts("p1", lambda: self.wanted, lambda: self.now)

    def start(self, session: str = "a", transcribed: bool = True) -> None:
        room = f"room-{session}"
        self.held.handle(
            SessionStarted(session=session, room=room, at=self.now, config_revision="r", transcribed=transcribed)
        )

    def say(self, text: str, session: str = "a") -> None:
        self.held.handle(LineSaid(session=session, who="caller", text=text, language="en", at=self.now))

    def end(self, session: str = "a") -> None:
        self.held.handle(SessionEnded(session=session, at=self.now, outcome="completed"))

    def texts(self, after: int = 0) -> list[str]:
        return [line.text for line in self.held.after(after).lines]


@pytest.fixture
def pod() -> Pod:
    return Pod()


def test_each_line_is_given_once_to_who_asks_from_where_the_last_answer_ended(pod: Pod) -> None:
    pod.start()
    pod.start("b")
    pod.say("one")
    pod.say("two", "b")
    first = pod.held.after(0)
    assert [(line.session, line.room, line.number, line.text) for line in first.lines] == [
        ("a", "room-a", 1, "one"),
        ("b", "room-b", 1, "two"),
    ]
    pod.say("three")
    assert pod.texts(first.position) == ["three"]
    assert pod.texts(pod.held.position) == []
    assert [line.text for line in pod.held.of("a").lines] == ["one", "three"]


def test_an_ended_call_is_held_for_an_hour(pod: Pod) -> None:
    pod.start()
    pod.say("goodbye")
    pod.end()
    pod.now += KEEP_ENDED - timedelta(seconds=1)
    assert pod.texts() == ["goodbye"]
    pod.now += timedelta(seconds=1)
    assert pod.texts() == []
    assert (pod.held.position, pod.held.of("a").lines) == (0, [])


def test_nothing_is_held_that_the_manifest_does_not_ask_for_and_what_was_held_goes_at_once(pod: Pod) -> None:
    pod.start("not", transcribed=False)
    pod.say("before it was asked for", "not")
    pod.start()
    pod.say("asked for")
    assert pod.texts() == ["asked for"]
    pod.wanted = False
    pod.held.obey()
    pod.say("not any more")
    pod.start("b")
    pod.wanted = True
    pod.held.obey()
    pod.say("asked for again, in a call that ran when it was not")
    pod.say("the same", "b")
    assert pod.texts() == []
    pod.start("c")
    pod.say("a new call", "c")
    assert pod.texts() == ["a new call"]


def test_an_erased_call_is_gone_and_nothing_more_of_it_is_held(pod: Pod) -> None:
    pod.start()
    pod.start("b")
    pod.say("one")
    pod.say("two", "b")
    pod.held.erase("a")
    pod.held.erase("unknown")
    pod.say("three")
    assert pod.texts() == ["two"]


def test_a_long_call_loses_its_oldest_lines_and_their_numbers_tell_so(pod: Pod) -> None:
    pod.start()
    for number in range(SESSION_LINES + 5):
        pod.say(f"{number}")
    lines = pod.held.of("a").lines
    assert (len(lines), lines[0].number, lines[-1].number) == (SESSION_LINES, 6, SESSION_LINES + 5)


def test_a_pod_holds_no_more_than_its_bound_and_gives_it_in_pieces(pod: Pod) -> None:
    for session in map(str, range(40)):
        pod.start(session)
        for _ in range(32):
            pod.say("x" * MAX_CHARACTERS, session)
    total = position = answers = 0
    while True:
        found = pod.held.after(position)
        size = sum(len(line.model_dump_json(by_alias=True)) for line in found.lines)
        assert size <= ANSWER_BYTES
        total, position, answers = total + size, found.position, answers + 1
        if not found.more:
            break
    assert POD_BYTES * 0.95 < total <= POD_BYTES
    assert answers > 1


async def test_a_pod_that_ends_waits_for_its_lines_only_where_somebody_fetches_them(pod: Pod) -> None:
    pod.start()
    pod.say("one")
    assert pod.held.fetched, "nobody ever fetched"
    position = pod.held.after(0).position
    assert not pod.held.fetched, "given, and not yet known to have arrived"
    waiting = asyncio.create_task(until_fetched(pod.held))
    await asyncio.sleep(0)
    assert not waiting.done()
    pod.held.after(position)
    await waiting
    assert pod.held.fetched


def told(role: str, text: str | None, *, with_text: bool) -> list[SentEvent]:
    events: list[SentEvent] = []
    teller = SaidTeller("a", "en", with_text, events.append)
    teller.heard("fr")
    teller.message(role, text, NOON.timestamp())
    return events


def test_how_much_is_said_is_always_told_and_the_words_only_where_asked_for() -> None:
    words = WordsSaid(session="a", who="caller", words=4, at=NOON)
    assert told("user", " The cat is purple. ", with_text=False) == [words]
    line = LineSaid(session="a", who="caller", text="The cat is purple.", language="fr", at=NOON)
    assert told("user", " The cat is purple. ", with_text=True) == [words, line]
    said = told("assistant", "Indeed.", with_text=True)[1]
    assert isinstance(said, LineSaid)
    assert (said.who, said.language) == ("agent", "en")


@pytest.mark.parametrize(("role", "text"), [("system", "secret"), ("developer", "x"), ("user", " "), ("user", None)])
def test_instructions_and_empty_messages_are_not_told(role: str, text: str | None) -> None:
    assert told(role, text, with_text=True) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("…!? —", 0),
        ("I don't know, it's half-past 4.", 6),
        ("L’été s'en va", 3),
        ("你好，世界", 4),
        ("コーヒー2杯", 6),
        ("안녕하세요 세계", 2),
    ],
)
def test_words_are_counted_also_where_none_are_parted_by_spaces(text: str, words: int) -> None:
    assert count_words(text) == words


@given(st.text(min_size=MAX_CHARACTERS - 2, max_size=MAX_CHARACTERS + 2))
def test_whatever_is_said_fits_into_a_line_of_the_channel(text: str) -> None:
    for event in told("user", text, with_text=True):
        assert len(encode(event)) < MAX_LINE_BYTES


def test_half_a_character_is_no_text() -> None:
    said = told("user", "so \ud83d what", with_text=True)[1]
    assert isinstance(said, LineSaid)
    assert said.text == "so ? what"
    encode(said)


@pytest.fixture
async def client(pod: Pod, tmp_path: Path) -> AsyncIterator[TestClient[Any, Any]]:
    path = tmp_path / "token"
    path.write_text("right")
    app = web.Application()
    app.add_routes(transcript_routes(path, pod.held))
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_who_has_the_token_is_given_lines_and_may_erase(pod: Pod, client: TestClient[Any, Any]) -> None:
    pod.start()
    pod.say("one")
    pod.say("two")
    answer = await (await client.get("/transcripts?after=1", headers=TOKEN)).json()
    assert (answer["process"], answer["position"], answer["more"]) == ("p1", 2, False)
    assert [(line["text"], line["who"], line["language"]) for line in answer["lines"]] == [("two", "caller", "en")]
    since = await (await client.get("/transcripts?session=a&after=1", headers=TOKEN)).json()
    assert ([line["text"] for line in since["lines"]], since["first"]) == (["two"], 1)
    of_one = await (await client.get("/transcripts?session=a", headers=TOKEN)).json()
    assert [line["text"] for line in of_one["lines"]] == ["one", "two"]
    assert (await client.delete("/transcripts/a", headers=TOKEN)).status == 204
    assert (await (await client.get("/transcripts", headers=TOKEN)).json())["lines"] == []


@pytest.mark.parametrize("given_token", ["", "Bearer wrong", "right"])
async def test_whoever_has_not_the_token_is_told_nothing(
    pod: Pod, client: TestClient[Any, Any], given_token: str
) -> None:
    pod.start()
    pod.say("one")
    headers = {"Authorization": given_token} if given_token else {}
    for method, path in (("GET", "/transcripts"), ("GET", "/transcripts?session=a"), ("DELETE", "/transcripts/a")):
        answer = await client.request(method, path, headers=headers)
        assert answer.status == 401
        assert "one" not in await answer.text()
    assert pod.texts() == ["one"]


@pytest.mark.parametrize("after", ["-1", "x", "1e3", "²", "9" * 16])
async def test_a_position_that_is_none_is_refused(client: TestClient[Any, Any], after: str) -> None:
    assert (await client.get("/transcripts", params={"after": after}, headers=TOKEN)).status == 400
