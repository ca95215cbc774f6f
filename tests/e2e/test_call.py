"""From one manifest to a spoken answer: what the product is for."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
from on_sandbox import ADDRESS, Kubectl, eventually, sessions
from speech_journal import same_words, start_journal, written_by_model
from voiceagent_caller import Call, CallHooks, CallOptions, Utterance, make_call, render_transcript, word_error_rate

MOST_WORD_ERRORS = 0.2


async def test_a_caller_hears_what_the_language_model_wrote(
    receptionist: str, kubectl: Kubectl, web: httpx.Client, artefacts: Path
) -> None:
    pods = kubectl.pods(receptionist)
    assert [pod["status"]["phase"] for pod in pods] == ["Running"]
    seen: dict[str, Any] = {}
    start_journal(web)

    def look(_: str) -> None:
        fleet = sessions(web)
        if fleet["active_count"]:
            seen["during"] = fleet

    utterances = (
        Utterance(text="Are you open on Saturday?"),
        Utterance(text="How much does a cleaning cost?"),
    )
    options = CallOptions(gateway=ADDRESS, speech=ADDRESS, utterances=utterances, record=artefacts)
    report = await make_call(options, CallHooks(progress=look))
    (artefacts / "call.json").write_text(report.to_json())
    (artefacts / "call.txt").write_text(render_transcript(report))

    assert report.complete
    assert report.greeting is not None
    assert "Blue Dental" in report.greeting.transcript
    assert report.greeting.wer <= MOST_WORD_ERRORS
    written = written_by_model(web)
    assert len(report.turns) == 2
    for turn in report.turns:
        assert turn.answered, "the agent answered nothing"
        assert any(same_words(turn.answered, reply) for reply in written), (turn.answered, written)

    answered = " ".join(turn.answered for turn in report.turns)
    heard = " ".join(turn.heard_by_caller for turn in report.turns)
    assert word_error_rate(answered, heard) <= MOST_WORD_ERRORS, (answered, heard)

    during = seen["during"]
    assert during["active_count"] == 1
    assert during["sessions"][0]["room"] == report.room
    after = eventually(
        lambda: [s for s in sessions(web)["recent"] if s["room"] == report.room],
        lambda ended: bool(ended),
        seconds=60,
    )
    assert after[0]["outcome"] == "user_left"
    turns = after[0]["turns"]
    assert len(turns) >= 2
    for latency in ("stt_latency", "ttft", "ttfb", "e2e"):
        assert any(turn[latency] and turn[latency] > 0 for turn in turns), (latency, json.dumps(after[0]))


async def test_two_callers_at_once_get_their_own_rooms(receptionist: str, web: httpx.Client) -> None:
    options = CallOptions(gateway=ADDRESS, speech=ADDRESS)
    async with Call(options) as first, Call(options) as second:
        assert first.room != second.room
        fleet = await asyncio.to_thread(eventually, lambda: sessions(web), lambda seen: seen["active_count"] == 2, 60)
        assert {s["room"] for s in fleet["sessions"]} == {first.room, second.room}
    eventually(lambda: sessions(web), lambda seen: seen["active_count"] == 0, 60)
