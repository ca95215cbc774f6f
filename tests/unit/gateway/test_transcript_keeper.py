"""What the gateway keeps of what is said: where the manifest asks, as long as it says, and nothing that was erased."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from transcribed_pod import ASKING, Kept, TranscribedPod, asking, texts
from voiceagent_gateway.database import DatabaseError
from voiceagent_gateway.transcripts.kept import TranscriptError
from voiceagent_gateway.transcripts.live import LiveTranscripts, let_go

SAID = "the walrus eats lemons"


@pytest.fixture
async def pod(tmp_path: Path) -> AsyncIterator[TranscribedPod]:
    pod = TranscribedPod(tmp_path / "pod")
    async with pod.serving():
        pod.start("s1")
        yield pod


@pytest.fixture
def kept(pod: TranscribedPod, tmp_path: Path) -> Kept:
    (tmp_path / "data").mkdir()
    return Kept(tmp_path / "data", [pod])


def on_disk(kept: Kept) -> bytes:
    assert kept.folder is not None
    return b"".join(file.read_bytes() for file in sorted(kept.folder.iterdir()))


async def test_what_is_said_is_fetched_once_and_outlives_its_pod_and_the_gateway(
    kept: Kept, pod: TranscribedPod
) -> None:
    async with kept.keeping() as keeper:
        pod.say("s1", SAID)
        await keeper.look()
        pod.say("s1", "indeed", who="agent")
        await keeper.look()
        await keeper.look()
        assert pod.asked == ["GET /transcripts?after=0", "GET /transcripts?after=1"]
        assert await texts(keeper, "s1") == [SAID, "indeed"]
    async with kept.keeping() as keeper:
        await keeper.look()
        assert await texts(keeper, "s1") == [SAID, "indeed"], "read again, and kept once"
        kept.pods = []
        await keeper.look()
        assert await texts(keeper, "s1") == [SAID, "indeed"]
        assert await texts(keeper, "s2") is None


async def test_a_call_that_ends_between_two_looks_is_not_lost(kept: Kept, pod: TranscribedPod) -> None:
    async with kept.keeping() as keeper:
        await keeper.look()
        pod.start("s2")
        pod.say("s2", SAID)
        pod.end("s2")
        kept.later(minutes=59)
        await keeper.look()
        assert await texts(keeper, "s2") == [SAID]


async def test_a_pod_that_is_being_ended_learns_that_its_lines_are_on_the_disk(kept: Kept, pod: TranscribedPod) -> None:
    async with kept.keeping() as keeper:
        await keeper.look()
        pod.terminating = True
        pod.say("s1", SAID)
        pod.held.after(0)
        assert not pod.held.fetched
        await keeper.look()
        assert pod.held.fetched


async def test_a_container_that_begins_anew_is_read_from_its_beginning(kept: Kept, pod: TranscribedPod) -> None:
    async with kept.keeping() as keeper:
        pod.say("s1", SAID)
        pod.say("s1", SAID)
        await keeper.look()
        pod.restart()
        pod.start("s2")
        pod.say("s2", "after the restart")
        await keeper.look()
        assert await texts(keeper, "s2") == ["after the restart"]
        assert await texts(keeper, "s1") == [SAID, SAID]


async def test_what_is_older_than_the_manifest_says_is_neither_shown_nor_on_the_disk(
    kept: Kept, pod: TranscribedPod
) -> None:
    async with kept.keeping() as keeper:
        pod.say("s1", SAID)
        kept.later(minutes=30)
        pod.say("s1", "later")
        await keeper.look()
        kept.later(hours=23, minutes=30)
        assert await texts(keeper, "s1") == [SAID, "later"]
        kept.later(milliseconds=1)
        assert await texts(keeper, "s1") == ["later"], "even before it is deleted"
        await keeper.look()
        assert SAID.encode() not in on_disk(kept)
        assert b"later" in on_disk(kept)
        kept.agents = [replace(ASKING, transcript_hours=1)]
        assert await texts(keeper, "s1") == []
        await keeper.look()
        assert b"later" not in on_disk(kept)
        assert await texts(keeper, "s1") is None


@pytest.mark.parametrize("agents", [[replace(ASKING, transcript_hours=None)], []], ids=["turned off", "deleted"])
async def test_an_agent_that_asks_for_none_any_more_has_none(
    kept: Kept, pod: TranscribedPod, agents: list[object]
) -> None:
    async with kept.keeping() as keeper:
        pod.say("s1", SAID)
        await keeper.look()
        assert SAID.encode() in on_disk(kept)
        kept.agents = agents  # type: ignore[assignment]
        kept.listed = False
        await keeper.look()
        assert SAID.encode() in on_disk(kept), "agents that are not known yet are not gone"
        assert await texts(keeper, "s1") is None
        kept.listed = True
        await keeper.look()
        assert SAID.encode() not in on_disk(kept)
        asked = len(pod.asked)
        pod.say("s1", "more")
        await keeper.look()
        assert len(pod.asked) == asked


async def test_what_is_erased_is_not_on_the_disk_and_does_not_come_back(kept: Kept, pod: TranscribedPod) -> None:
    async with kept.keeping() as keeper:
        pod.say("s1", SAID)
        pod.start("s2")
        pod.say("s2", "another call")
        await keeper.look()
        pod.reachable = False
        call = await keeper.find("s1")
        assert call is not None
        await keeper.erase(call)
        assert await texts(keeper, "s1") is None
        assert SAID.encode() not in on_disk(kept)
        assert b"another call" in on_disk(kept)
        assert pod.held.of("s1").lines, "the pod could not be told yet"
    async with kept.keeping() as keeper:
        # A new gateway reads from the beginning what the pod still has.
        pod.reachable = True
        pod.say("s1", "and this")
        await keeper.look()
        assert await texts(keeper, "s1") is None
        assert SAID.encode() not in on_disk(kept)
        assert pod.held.of("s1").lines == []
        pod.say("s1", "and that")
        await keeper.look()
        assert await texts(keeper, "s1") is None
        assert await texts(keeper, "s2") == ["another call"]


async def test_a_call_can_be_erased_before_anything_of_it_has_come(kept: Kept, pod: TranscribedPod) -> None:
    async with kept.keeping() as keeper:
        pod.say("s1", SAID)
        assert await keeper.find("s1") is None
        call = await keeper.held("s1")
        assert call is not None
        pod.reachable = False
        await keeper.erase(call)
        pod.reachable = True
        pod.say("s1", "and this")
        await keeper.look()
        assert await texts(keeper, "s1") is None
        assert await keeper.held("s1") is None
        assert SAID.encode() not in on_disk(kept)


async def test_an_agent_that_is_not_understood_loses_nothing(kept: Kept, pod: TranscribedPod) -> None:
    async with kept.keeping() as keeper:
        pod.say("s1", SAID)
        await keeper.look()
        kept.agents, kept.unreadable = [], frozenset({(ASKING.namespace, ASKING.name)})
        kept.later(minutes=5)
        await keeper.look()
        assert await texts(keeper, "s1") is None, "nobody knows for how long it may be shown"
        kept.agents, kept.unreadable = [ASKING], frozenset()
        assert await texts(keeper, "s1") == [SAID]


async def test_a_log_that_could_not_be_emptied_is_emptied_later(
    kept: Kept, pod: TranscribedPod, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with kept.keeping() as keeper:
        pod.say("s1", SAID)
        await keeper.look()
        call = await keeper.find("s1")
        assert call is not None

        async def full() -> None:
            raise DatabaseError("the disk is full")

        with monkeypatch.context() as broken:
            broken.setattr(kept.database, "truncate_log", full)
            with pytest.raises(TranscriptError, match="the disk is full"):
                await keeper.erase(call)
        assert SAID.encode() in on_disk(kept)
        kept.later(minutes=2)
        await keeper.look()
        assert SAID.encode() not in on_disk(kept)


async def test_an_erased_call_is_remembered_without_words_for_as_long_as_its_pod_may_hold_it(
    kept: Kept, pod: TranscribedPod
) -> None:
    async with kept.keeping() as keeper:
        pod.say("s1", SAID)
        await keeper.look()
        call = await keeper.find("s1")
        assert call is not None
        await keeper.erase(call)

        async def rows() -> int:
            count: int = await kept.database.run(
                lambda it: it.execute("SELECT count(*) FROM transcripts").fetchone()[0]
            )
            return count

        kept.later(hours=48)
        await keeper.look()
        assert await rows() == 1
        kept.later(minutes=2)
        await keeper.look()
        assert await rows() == 0


async def test_too_much_lets_the_oldest_go(kept: Kept, pod: TranscribedPod) -> None:
    kept.most_bytes = 200_000
    async with kept.keeping() as keeper:
        for number in range(700):
            pod.say("s1", f"{number:04} " + "x" * 300)
        await keeper.look()
        kept.later(minutes=2)
        await keeper.look()
        found = await texts(keeper, "s1")
        assert found is not None
        assert 0 < sum(len(text) + 100 for text in found) <= kept.most_bytes
        assert found[-1].startswith("0699")


async def test_a_pod_that_fails_is_said_once_and_read_when_it_answers_again(
    kept: Kept, pod: TranscribedPod, caplog: pytest.LogCaptureFixture
) -> None:
    async with kept.keeping() as keeper:
        pod.say("s1", SAID)
        pod.reachable = False
        await keeper.look()
        await keeper.look()
        assert [record.message for record in caplog.records] == ["transcripts cannot be kept for now"]
        pod.reachable = True
        await keeper.look()
        assert await texts(keeper, "s1") == [SAID]
    assert SAID not in caplog.text


async def test_an_answer_that_cannot_be_kept_keeps_no_other_pod_back(
    kept: Kept, pod: TranscribedPod, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    strange = TranscribedPod(tmp_path / "strange", "receptionist-0")
    strange.start("s9")
    strange.held._calls["s9"].said = 2**70
    strange.say("s9", SAID)
    kept.pods.insert(0, strange)
    async with strange.serving(), kept.keeping() as keeper:
        pod.say("s1", "good")
        await keeper.look()
        assert await texts(keeper, "s1") == ["good"]
        assert await texts(keeper, "s9") is None
    assert "could not be handled: OverflowError" in str(caplog.records[0].__dict__)
    assert "walrus" not in caplog.text


async def test_without_a_database_transcripts_are_those_that_pods_hold(pod: TranscribedPod) -> None:
    agents = [ASKING]
    async with asking() as pods:
        live = LiveTranscripts(lambda: agents, lambda: [pod.view], pods)
        pod.say("s1", SAID)
        assert await texts(live, "s1") == [SAID]
        call = await live.find("s1")
        assert call is not None and call.room == "lobby"
        agents[:] = [replace(ASKING, transcript_hours=None)]
        assert await live.find("s1") is None
        agents[:] = [ASKING]
        pod.reachable = False
        with pytest.raises(TranscriptError, match="answered 500"):
            await live.erase(call)
        pod.reachable = True
        await live.erase(call)
        assert await texts(live, "s1") == []
        assert pod.held.of("s1").lines == []


async def test_a_gateway_that_keeps_none_lets_go_of_what_was_kept(kept: Kept, pod: TranscribedPod) -> None:
    async with kept.keeping() as keeper:
        pod.say("s1", SAID)
        await keeper.look()
        assert SAID.encode() in on_disk(kept)
    async with kept.keeping():
        await let_go(kept.database)
        assert SAID.encode() not in on_disk(kept)


async def test_a_call_without_transcript_leaves_no_word_in_status_answer_or_database(
    kept: Kept, pod: TranscribedPod
) -> None:
    pod.obey(False)
    kept.agents = [replace(ASKING, transcript_hours=None)]
    async with kept.keeping() as keeper:
        pod.start("s3")
        pod.say("s3", SAID)
        await keeper.look()
        assert await texts(keeper, "s3") is None
        assert pod.asked == []
        told = pod.status().model_dump_json() + pod.held.after(0).model_dump_json()
        record = pod.status().sessions[-1]
        assert (record.caller_words, record.transcribed) == (4, False)
        assert "walrus" not in told
        assert b"walrus" not in on_disk(kept)
