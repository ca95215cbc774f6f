"""What the gateway keeps of what is said: where the manifest asks, as long as it says, and nothing that was erased."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from transcribed_pod import ASKING, Kept, TranscribedPod, asking, texts
from voiceagent_gateway.database import DatabaseError
from voiceagent_gateway.transcripts import keeper as keeper_module
from voiceagent_gateway.transcripts.erased_file import COMPACT_BYTES, ErasedFile, Erasure
from voiceagent_gateway.transcripts.kept import TranscribedCall, TranscriptError
from voiceagent_gateway.transcripts.live import LiveTranscripts, let_go

SAID = "the walrus eats lemons"
ME = "key:me"


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


async def test_a_pod_in_which_nothing_was_said_yet_learns_that_somebody_will_fetch(
    kept: Kept, pod: TranscribedPod
) -> None:
    async with kept.keeping() as keeper:
        await keeper.look()
        await keeper.look()
        assert pod.asked == ["GET /transcripts?after=0"], "once"
        pod.say("s1", SAID)
        assert not pod.held.fetched, "it would wait for its line to be fetched"


async def test_a_pod_that_begins_to_end_is_asked_at_once(
    kept: Kept, pod: TranscribedPod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "LOOK_SECONDS", 3600.0)
    async with kept.keeping() as keeper:
        running = asyncio.create_task(keeper.run())
        async with asyncio.timeout(30):
            while not pod.asked:
                await asyncio.sleep(0.01)
            pod.say("s1", SAID)
            pod.terminating = True
            kept.ending()
            while await texts(keeper, "s1") != [SAID]:
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_of_a_long_call_only_what_is_new_is_read(kept: Kept, pod: TranscribedPod) -> None:
    async with kept.keeping() as keeper:
        for text in ("one", "two", "three"):
            pod.say("s1", text)
            kept.later(minutes=1)
        await keeper.look()
        assert await texts(keeper, "s1", after=2) == ["three"]
        kept.later(hours=23, minutes=58)
        (call,) = await keeper.find("s1")
        said = [await keeper.lines(call, after) for after in (0, 2, 3)]
        assert [([line.text for line in one.lines], one.missing) for one in said if one] == [
            (["two", "three"], 1),
            (["three"], 1),
            ([], 1),
        ]


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
        (call,) = await keeper.find("s1")
        with pytest.raises(TranscriptError, match="here it is erased, but pod receptionist-a"):
            await keeper.erase(call, ME)
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


@pytest.mark.parametrize("torn", [b"", b"[1777", b'["x"]\n\xff\n'])
async def test_what_is_erased_does_not_come_back_by_a_damaged_database(
    kept: Kept, pod: TranscribedPod, torn: bytes
) -> None:
    assert kept.folder is not None
    async with kept.keeping() as keeper:
        pod.say("s1", SAID)
        await keeper.look()
        pod.reachable = False
        with (kept.folder / "gateway.erased").open("ab") as file:
            file.write(torn)
        (call,) = await keeper.find("s1")
        with pytest.raises(TranscriptError, match="could not be told"):
            await keeper.erase(call, ME)
    (kept.folder / "gateway.sqlite").write_bytes(b"no database " * 1000)
    async with kept.keeping() as keeper:
        pod.reachable = True
        pod.say("s1", "and this")
        await keeper.look()
        assert (kept.folder / "gateway.unreadable").exists()
        assert await texts(keeper, "s1") is None
        assert pod.held.of("s1").lines == [], "and its pod is told now"
        assert SAID.encode() not in on_disk(kept)


async def test_the_file_of_erased_calls_has_no_word_and_forgets_in_time(kept: Kept, pod: TranscribedPod) -> None:
    assert kept.folder is not None
    async with kept.keeping() as keeper:
        pod.say("s1", SAID)
        await keeper.look()
        (call,) = await keeper.find("s1")
        await keeper.erase(call, ME)
    file = kept.folder / "gateway.erased"
    assert b"s1" in file.read_bytes()
    assert b"walrus" not in file.read_bytes()
    assert b"lobby" not in file.read_bytes()
    kept.later(hours=48)
    async with kept.keeping() as keeper:
        await keeper.look()
        assert file.exists()
    kept.later(milliseconds=1)
    async with kept.keeping() as keeper:
        await keeper.look()
        assert not file.exists()


def test_a_file_of_erased_calls_that_grew_is_made_smaller(tmp_path: Path) -> None:
    file = ErasedFile(tmp_path, kept_milliseconds=1000)
    call = TranscribedCall("u1", "s" * 1000, "default", "receptionist", "receptionist-a", "lobby")
    for at in range(0, 3000, 2):
        file.add(Erasure(call, at))
    assert (tmp_path / "gateway.erased").stat().st_size < 2 * COMPACT_BYTES
    assert {erasure.at for erasure in file.read(now=3000)} == set(range(2000, 3000, 2))


async def test_an_erasure_waits_for_its_own_pod_alone(kept: Kept, pod: TranscribedPod, tmp_path: Path) -> None:
    other = TranscribedPod(tmp_path / "other", "receptionist-b")
    other.start("s2")
    other.say("s2", SAID)
    pod.say("s1", SAID)
    kept.pods.append(other)
    async with other.serving(), kept.keeping() as keeper:
        await keeper.look()
        pod.reachable = False
        (first,), (second,) = await keeper.find("s1"), await keeper.find("s2")
        with pytest.raises(TranscriptError, match="could not be told"):
            await keeper.erase(first, ME)
        asked = list(pod.asked)
        await keeper.erase(second, ME)
        assert other.asked[-1] == "DELETE /transcripts/s2"
        assert pod.asked == asked
        await keeper.look()
        assert pod.asked[len(asked) :] == ["DELETE /transcripts/s1"], "it is told with the next look"


async def test_no_pod_is_taken_for_gone_before_all_are_known(kept: Kept, pod: TranscribedPod) -> None:
    async with kept.keeping() as keeper:
        pod.say("s1", SAID)
        await keeper.look()
        (call,) = await keeper.find("s1")
        pods, kept.pods, kept.listed = kept.pods, [], False
        with pytest.raises(TranscriptError, match="could not be told"):
            await keeper.erase(call, ME)
        assert pod.held.of("s1").lines
        kept.pods, kept.listed = pods, True
        await keeper.look()
        assert pod.held.of("s1").lines == []


async def test_a_call_can_be_erased_before_anything_of_it_has_come(kept: Kept, pod: TranscribedPod) -> None:
    async with kept.keeping() as keeper:
        pod.say("s1", SAID)
        assert await keeper.find("s1") == []
        (call,) = await keeper.held("s1")
        pod.reachable = False
        with pytest.raises(TranscriptError, match="could not be told"):
            await keeper.erase(call, ME)
        pod.reachable = True
        pod.say("s1", "and this")
        await keeper.look()
        assert await texts(keeper, "s1") is None
        assert [call.erased_by for call in await keeper.held("s1")] == [{ME}]
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
        (call,) = await keeper.find("s1")

        async def full() -> None:
            raise DatabaseError("the disk is full")

        with monkeypatch.context() as broken:
            broken.setattr(kept.database, "truncate_log", full)
            with pytest.raises(TranscriptError, match="the disk is full"):
                await keeper.erase(call, ME)
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
        (call,) = await keeper.find("s1")
        await keeper.erase(call, ME)

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
        (call,) = await live.find("s1")
        assert call.room == "lobby"
        agents[:] = [replace(ASKING, transcript_hours=None)]
        assert await live.find("s1") == []
        agents[:] = [ASKING]
        pod.reachable = False
        with pytest.raises(TranscriptError, match="answered 500"):
            await live.erase(call, ME)
        pod.reachable = True
        await live.erase(call, ME)
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
