"""The caller in real rooms, on a real livekit-server, with an agent whose delays are known to the test."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from voiceagent_caller import (
    Call,
    CallerMistake,
    CallFailed,
    CallHooks,
    CallOptions,
    Speech,
    Utterance,
    make_call,
    read_wav,
)

InWorld = Callable[[Any, Callable[[Any], Awaitable[None]]], None]

QUESTION = Utterance(text="When are you open?")
AUDIBLE_SECONDS = 4 * 0.42 - 0.2
"""How long the question sounds: four words, without the pause after the last."""

LONG_GREETING = "Hello how can I help one two one two one two"
GREETING_SECONDS = 11 * 0.42
"""How long the agent would go on greeting; it stops at the caller's first word, between two of its own as may be."""


def path_seconds() -> float:
    """What the way there and back may add to the agent's delay: 0.1 s on an idle machine, more on a busy one."""
    return 0.25 + 0.15 * os.getloadavg()[0] / (os.cpu_count() or 1)


def options(world: Any, *utterances: Utterance, **more: Any) -> CallOptions:
    return CallOptions(gateway=world.url, speech=world.url, utterances=utterances, **more)


def test_the_silence_it_measures_is_the_time_that_the_agent_took(in_world: InWorld, script: Any) -> None:
    async def body(world: Any) -> None:
        report = await make_call(options(world, *[QUESTION, Utterance(text="One two")] * 2))
        silences = [turn.silence_seconds for turn in report.turns]
        added = [silence - delay for silence, delay in zip(silences, world.delays, strict=True)]
        seen = f"silences {silences}, delays {world.delays}"
        # The way adds the same to each turn, give or take, and a busy machine only ever adds to that.
        short, long = min(added[0::2]), min(added[1::2])
        assert 0 <= min(added) <= path_seconds(), seen
        assert abs(short - long) <= path_seconds(), seen

    in_world(script(answer_delays=(0.7, 1.6, 0.7, 1.6)), body)


def test_its_report_says_what_each_side_said_and_heard(in_world: InWorld, script: Any, tmp_path: Path) -> None:
    async def body(world: Any) -> None:
        seen: list[str] = []

        async def note(call: Call, *_: object) -> None:
            seen.append(f"{call.agent_identity} {call.agent_state}")

        hooks = CallHooks(joined=note, greeted=note, answered=note)
        report = await make_call(options(world, QUESTION, record=tmp_path), hooks)
        assert report.greeting is not None
        assert report.greeting.transcript == "Hello, how can I help?"
        assert report.greeting.heard == "hello how can i help"
        assert report.greeting.wer == 0
        (turn,) = report.turns
        assert turn.said == "When are you open?"
        assert turn.heard_by_agent == world.heard[0] == "when are you open"
        assert turn.answered == "We are open at nine."
        assert turn.heard_by_caller == "we are open at nine"
        assert turn.word_error_rate == 0
        assert 0 < report.joined_seconds < 10
        assert 0 < report.agent_joined_seconds < 10
        assert report.complete
        assert len(seen) == 3
        assert seen[1:] == ["agent-1 listening"] * 2
        await asyncio.wait_for(world.caller_left.wait(), 5)

    in_world(script(), body)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "greeting-agent.wav",
        "turn-01-agent.wav",
        "turn-01-caller.wav",
    ]
    assert read_wav(tmp_path / "turn-01-agent.wav").seconds == pytest.approx(1.9 + 0.6, abs=0.5)


def test_words_spoken_over_the_greeting_are_answered_and_the_greeting_is_not_taken_for_the_answer(
    in_world: InWorld, script: Any
) -> None:
    async def body(world: Any) -> None:
        given = options(world)
        async with Speech(world.url, "alloy") as speech, Call(given) as call:
            clip = await speech.synthesise("when are you open")
            await call.until(lambda: call.sounds or None, timeout_seconds=10, otherwise=lambda: "no greeting was heard")
            spoken = await call.say(clip)
            reply = await call.listen()
            assert spoken.started_at < call.sounds[0].started_at + GREETING_SECONDS, "the two could not overlap"
            assert reply.transcript == "We are open at nine."
            assert -0.02 <= spoken.ended_at - spoken.started_at - AUDIBLE_SECONDS <= 0.3
            assert 0 <= reply.silence_seconds - world.delays[0] <= 2 * path_seconds()
        await asyncio.wait_for(world.caller_left.wait(), 5)

    in_world(script(greeting=LONG_GREETING, answer_delays=(0.9,)), body)


def test_an_agent_that_never_answers_ends_the_call_with_what_it_understood(in_world: InWorld, script: Any) -> None:
    async def body(world: Any) -> None:
        given = options(world, QUESTION, expect_greeting=False, reply_timeout_seconds=2)
        with pytest.raises(CallFailed) as caught:
            await make_call(given)
        assert str(caught.value) == (
            "The agent did not answer within 2 s of the caller's last word; "
            "its state is thinking and it understood “when are you open”."
        )
        assert caught.value.so_far is not None
        assert not caught.value.so_far.complete
        await asyncio.wait_for(world.caller_left.wait(), 5)

    in_world(script(greeting=None, answer_delays=()), body)


def test_an_agent_that_leaves_ends_the_call_at_once(in_world: InWorld, script: Any) -> None:
    async def body(world: Any) -> None:
        with pytest.raises(CallFailed, match=r"The agent left room room-\d+ in the middle of the call\."):
            await asyncio.wait_for(make_call(options(world, QUESTION, reply_timeout_seconds=60)), 30)

    in_world(script(leaves_instead_of_answering=True), body)


def test_a_call_can_go_on_with_the_agent_that_replaces_one_that_left(in_world: InWorld, script: Any) -> None:
    async def body(world: Any) -> None:
        async with Speech(world.url, "alloy") as speech, Call(options(world)) as call:
            await call.listen()
            await call.say(await speech.synthesise("one two"))
            with pytest.raises(CallFailed, match="The agent left"):
                await call.listen()
            world.send_agent(call.room)
            await call.wait_for_agent()
            reply = await call.listen()
            assert call.agent_identity == "agent-2"
            assert reply.transcript == "Hello, how can I help?"
            assert await speech.transcribe(reply.recording) == "hello how can i help"

    in_world(script(leaves_instead_of_answering=True), body)


def test_a_call_that_takes_too_long_is_hung_up(in_world: InWorld, script: Any) -> None:
    async def body(world: Any) -> None:
        with pytest.raises(CallFailed, match=r"not over after 6 s and was hung up while (saying|listening)"):
            await make_call(options(world, QUESTION, max_seconds=6, expect_greeting=False))
        await asyncio.wait_for(world.caller_left.wait(), 5)

    in_world(script(greeting=None, answer_delays=()), body)


def test_a_caller_without_a_place_asks_again_when_it_is_told_to(in_world: InWorld, script: Any) -> None:
    async def body(world: Any) -> None:
        report = await make_call(options(world))
        assert world.tokens_asked == 3
        assert report.joined_seconds > 2
        with pytest.raises(CallerMistake, match=r"default/nobody \(404\): There is no such agent\."):
            await make_call(options(world, agent="default/nobody"))

    in_world(script(busy_answers=2), body)


def test_the_command_prints_the_transcript_and_writes_the_report(
    in_world: InWorld, script: Any, tmp_path: Path
) -> None:
    async def body(world: Any) -> None:
        command = await start_command(world, "--say", "When are you open?", "--json", str(tmp_path / "report.json"))
        output, progress = await command.communicate()
        assert command.returncode == 0, progress.decode()
        assert "caller  When are you open?" in output.decode()
        assert "agent  We are open at nine." in output.decode()
        report = json.loads((tmp_path / "report.json").read_text())
        assert f"{report['turns'][0]['silence_seconds']:.2f} s after the caller's last" in output.decode()
        assert report["greeting"]["wer"] == 0
        assert "listening to the answer" in progress.decode()
        assert "Traceback" not in progress.decode()

    in_world(script(), body)


def test_a_command_that_is_terminated_hangs_up(in_world: InWorld, script: Any) -> None:
    async def body(world: Any) -> None:
        command = await start_command(world, "--no-greeting", "--say", "When are you open?")
        await world.caller_heard.wait()
        command.send_signal(signal.SIGTERM)
        _, progress = await command.communicate()
        assert command.returncode == 1
        assert progress.decode().endswith("The call was interrupted and hung up.\n")
        await asyncio.wait_for(world.caller_left.wait(), 2)

    in_world(script(greeting=None, answer_delays=()), body)


def test_a_command_whose_call_fails_writes_down_how_far_it_came(in_world: InWorld, script: Any, tmp_path: Path) -> None:
    async def body(world: Any) -> None:
        command = await start_command(world, "--say", "When are you open?", "--json", str(tmp_path / "report.json"))
        output, progress = await command.communicate()
        assert command.returncode == 1
        assert progress.decode().endswith("in the middle of the call.\n")
        assert "agent  Hello, how can I help?" in output.decode()
        report = json.loads((tmp_path / "report.json").read_text())
        assert report["complete"] is False
        assert report["greeting"]["transcript"] == "Hello, how can I help?"

    in_world(script(leaves_instead_of_answering=True), body)


async def start_command(world: Any, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "voiceagent_caller", "--gateway", world.url, "--speech", world.url, *arguments,
        stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
