"""Who may read and erase what was said, and what everybody else is told: nothing of it, and not whether it is there."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from transcribed_pod import ASKING, Kept, TranscribedPod, asking
from voiceagent_gateway.callers import Callers
from voiceagent_gateway.gate import Gate
from voiceagent_gateway.identity import Identity, Scope
from voiceagent_gateway.transcripts.kept import NoTranscripts, TranscribedCall, TranscriptError
from voiceagent_gateway.transcripts.live import LiveTranscripts

SAID = "the walrus eats lemons"
PATH = "/sessions/AJ_1/transcript"
MAY = Identity("key:may", (Scope(("default/*",), transcripts=True),))
MAY_NOT: dict[str, Identity] = {
    "another agent": Identity("key:other", (Scope(("sales/*",), transcripts=True),)),
    "another room": Identity("key:room", (Scope(("default/*",), ("cellar-*",), transcripts=True),)),
    "scopes do not mix": Identity("key:mixed", (Scope(("default/*",)), Scope(("sales/*",), transcripts=True))),
}


class Always(Callers):
    """Callers who are all the same."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    async def identify(self, authorization: str | None, allow: Any) -> Identity:
        return self.identity


Scene = Callable[[Identity, Callable[[httpx.AsyncClient, TranscribedPod], Awaitable[None]]], Awaitable[None]]


@pytest.fixture
def scene(world: Any, ask: httpx.AsyncClient, tmp_path: Path) -> Scene:
    """A call in which something was said, and was kept; asked of by one caller."""

    async def play(identity: Identity, then: Callable[[httpx.AsyncClient, TranscribedPod], Awaitable[None]]) -> None:
        world.caller = Always(identity)
        world.gate = Gate(world.caller)
        world.agents[:] = [ASKING]
        pod = TranscribedPod(tmp_path / "pod")
        async with pod.serving():
            pod.start("AJ_1")
            pod.say("AJ_1", SAID)
            pod.say("AJ_1", "Do they?", who="agent")
            async with Kept(None, [pod], agents=world.agents).keeping() as keeper:
                await keeper.look()
                world.transcripts = keeper
                world.views[:] = [pod.view]
                await then(ask, pod)

    return play


async def test_a_transcript_says_who_said_what_and_when(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def then(ask: httpx.AsyncClient, pod: TranscribedPod) -> None:
        answer = await ask.get(PATH)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        found = answer.json()
        assert found.pop("lines") == [
            {"number": 1, "at": "2026-05-04T12:00:00.000Z", "who": "caller", "language": "en", "text": SAID},
            {"number": 2, "at": "2026-05-04T12:00:00.000Z", "who": "agent", "language": "en", "text": "Do they?"},
        ]
        assert found == {
            "id": "AJ_1",
            "namespace": "default",
            "agent": "receptionist",
            "pod": "receptionist-a",
            "room": "lobby",
            "running": True,
            "retention_hours": 24,
            "missing": 0,
        }
        since = (await ask.get(PATH, params={"after": 1})).json()
        assert [line["number"] for line in since["lines"]] == [2]
        nothing_new = await ask.get(PATH, params={"after": 2})
        assert (nothing_new.status_code, nothing_new.json()["lines"], nothing_new.json()["missing"]) == (200, [], 0)

    await scene(MAY, then)
    (read, *_) = [record for record in caplog.records if record.message == "transcript read"]
    assert (read.__dict__["caller"], read.__dict__["session"]) == ("key:may", "AJ_1")
    assert "walrus" not in caplog.text


@pytest.mark.parametrize("who", MAY_NOT)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_call_beyond_the_callers_scope_is_as_one_that_is_not_there(scene: Scene, who: str, method: str) -> None:
    async def then(ask: httpx.AsyncClient, pod: TranscribedPod) -> None:
        beyond = await ask.request(method, PATH)
        unknown = await ask.request(method, "/sessions/AJ_2/transcript")
        assert (beyond.status_code, unknown.status_code) == (404, 404)
        assert beyond.headers["content-type"] == "application/problem+json"
        assert beyond.json()["type"].endswith("/no-transcript")
        assert beyond.json()["detail"].replace("AJ_1", "AJ_2") == unknown.json()["detail"]
        assert pod.held.of("AJ_1").lines

    await scene(MAY_NOT[who], then)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_who_has_no_right_to_transcripts_is_told_what_would_give_it(scene: Scene, method: str) -> None:
    async def then(ask: httpx.AsyncClient, pod: TranscribedPod) -> None:
        for path in (PATH, "/sessions/AJ_2/transcript"):
            answer = await ask.request(method, path)
            assert answer.status_code == 403
            assert answer.json()["detail"].startswith('API key "web" may not read transcripts; transcripts: true')

    await scene(Identity("key:web", (Scope(("*",)),), metrics=True), then)


async def test_erasing_is_for_good_and_may_be_asked_for_again_by_who_did_it(
    scene: Scene, world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def then(ask: httpx.AsyncClient, pod: TranscribedPod) -> None:
        answer = await ask.delete(PATH)
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await ask.get(PATH)).status_code == 404
        assert (await ask.delete(PATH)).status_code == 204
        assert pod.held.of("AJ_1").lines == []
        world.caller.identity = replace(MAY, name="key:another")
        assert (await ask.delete(PATH)).status_code == 404

    await scene(MAY, then)
    assert [record.message for record in caplog.records].count("transcript erased") == 2


async def test_an_erasure_that_was_answered_by_503_can_be_asked_for_again(scene: Scene) -> None:
    async def then(ask: httpx.AsyncClient, pod: TranscribedPod) -> None:
        pod.reachable = False
        answer = await ask.delete(PATH)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert (
            "here it is erased, but pod receptionist-a, which may hold it still, could not be told"
            in answer.json()["detail"]
        )
        assert (await ask.get(PATH)).status_code == 404, "here it is gone all the same"
        pod.reachable = True
        assert (await ask.delete(PATH)).status_code == 204
        assert pod.held.of("AJ_1").lines == []

    await scene(MAY, then)


async def test_of_calls_with_one_id_each_caller_sees_and_erases_their_own(
    world: Any, ask: httpx.AsyncClient, tmp_path: Path
) -> None:
    """What a call is called is the word of its pod: another pod that says the same must not hide it."""
    narrow = Identity("key:narrow", (Scope(("default/*",), ("room-1",), transcripts=True),))
    caller = Always(narrow)
    world.gate, world.agents[:] = Gate(caller), [ASKING]
    pods = [TranscribedPod(tmp_path / name, f"receptionist-{name}") for name in "abc"]
    for number, pod in enumerate(pods):
        pod.start("AJ_1", room=f"room-{number}")
        pod.say("AJ_1", f"said on {pod.name}")
    kept = Kept(None, pods, agents=world.agents)
    async with pods[0].serving(), pods[1].serving(), pods[2].serving(), kept.keeping() as keeper:
        await keeper.look()
        world.transcripts = keeper
        wide = Identity("key:wide", (Scope(("default/*",), ("room-0", "room-1"), transcripts=True),))
        assert (await ask.get(PATH)).json()["room"] == "room-1"
        assert (await ask.delete(PATH)).status_code == 204
        assert [len(pod.held.of("AJ_1").lines) for pod in pods] == [1, 0, 1]
        caller.identity = wide
        assert (await ask.get(PATH)).json()["room"] == "room-0"
        assert (await ask.delete(PATH)).status_code == 204
        assert [len(pod.held.of("AJ_1").lines) for pod in pods] == [0, 0, 1]
        caller.identity = MAY
        assert (await ask.get(PATH)).json()["room"] == "room-2"


async def test_an_agent_that_keeps_no_transcripts_any_more_shows_none_at_once(scene: Scene, world: Any) -> None:
    async def then(ask: httpx.AsyncClient, pod: TranscribedPod) -> None:
        world.agents[:] = [replace(ASKING, transcript_hours=None)]
        assert (await ask.get(PATH)).status_code == 404
        assert SAID not in (await ask.get("/fleet", headers={"Accept": "application/json"})).text

    await scene(MAY, then)


async def test_live_transcripts_go_through_the_same_door(scene: Scene, world: Any) -> None:
    async def then(ask: httpx.AsyncClient, pod: TranscribedPod) -> None:
        async with asking() as pods:
            world.transcripts = LiveTranscripts(lambda: world.agents, lambda: world.views, pods)
            assert [line["text"] for line in (await ask.get(PATH)).json()["lines"]] == [SAID, "Do they?"]
            since = (await ask.get(PATH, params={"after": 1})).json()
            assert ([line["text"] for line in since["lines"]], since["missing"]) == (["Do they?"], 0)
            assert pod.asked[-1] == "GET /transcripts?session=AJ_1&after=1"
            assert (await ask.delete(PATH)).status_code == 204
            assert (await ask.get(PATH)).status_code == 404

    await scene(MAY, then)


async def test_transcripts_that_cannot_be_read_now_are_asked_for_again(world: Any, ask: httpx.AsyncClient) -> None:
    class Away(NoTranscripts):
        async def find(self, session: str) -> list[TranscribedCall]:
            raise TranscriptError("the disk is full")

    world.transcripts = Away()
    answer = await ask.get(PATH)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["detail"] == "Transcripts cannot be read or erased now: the disk is full."


@pytest.mark.parametrize(
    "path", ["/sessions/a%20b/transcript", f"/sessions/{'x' * 129}/transcript", f"{PATH}?after=-1"]
)
async def test_what_is_no_id_is_refused(ask: httpx.AsyncClient, path: str) -> None:
    answer = await ask.get(path)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (400, "invalid-request")


async def test_pages_of_other_sites_may_not_ask_and_other_methods_are_told_which_there_are(
    ask: httpx.AsyncClient,
) -> None:
    for method in ("GET", "DELETE"):
        answer = await ask.request(method, PATH, headers={"Origin": "https://elsewhere.example"})
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (403, "origin-not-allowed")
    answer = await ask.put(PATH)
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET")


@pytest.mark.parametrize("wanted", [True, False])
async def test_the_fleet_tells_how_much_is_said_and_never_what(scene: Scene, world: Any, wanted: bool) -> None:
    async def then(ask: httpx.AsyncClient, pod: TranscribedPod) -> None:
        if not wanted:
            world.agents[:] = [replace(ASKING, transcript_hours=None)]
        world.now = pod.now + timedelta(minutes=1)
        answer = await ask.get("/fleet", headers={"Accept": "application/json"})
        (live,) = answer.json()["agents"][0]["live"]
        told = {name: live[name] for name in ("caller_words", "agent_words", "last_said_at", "transcript")}
        assert told == {
            "caller_words": 4,
            "agent_words": 2,
            "last_said_at": "2026-05-04T12:00:00.000Z",
            "transcript": wanted,
        }
        for path in ("/fleet", "/metrics", "/metrics/sessions", "/agents", "/usage"):
            assert "walrus" not in (await ask.get(path, headers={"Accept": "application/json"})).text

    await scene(replace(MAY, metrics=True), then)
