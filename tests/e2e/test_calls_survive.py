"""People talk on, whatever is done to the agent meanwhile: real pods, real calls, robots as callers."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from call_fleet import calls_on
from changes_under_calls import AGENT, CALLS, bring_up, change_everything
from killing import kill_worker_of
from on_sandbox import Kubectl, eventually
from voiceagent_caller import Call


@pytest.mark.timeout(1200)
async def test_no_call_is_dropped_and_no_turn_unanswered_whatever_is_changed(kubectl: Kubectl, artefacts: Path) -> None:
    bring_up(kubectl)
    async with calls_on(f"default/{AGENT}", CALLS) as fleet:
        before, outcomes = await change_everything(kubectl, fleet)
    told = {"before": str(before), **{outcome.change: str(outcome.report) for outcome in outcomes}}
    (artefacts / "calls-survive.json").write_text(json.dumps(told, indent=1))
    assert (before.dropped, before.unanswered) == ((), ()), before
    for outcome in outcomes:
        assert (outcome.report.dropped, outcome.report.unanswered) == ((), ()), f"{outcome.change}: {outcome.report}"
        assert outcome.report.turns >= CALLS
    kubectl("delete", "voiceagent", AGENT)


async def test_when_a_worker_is_killed_its_caller_gets_another_agent_and_goes_on(
    kubectl: Kubectl, artefacts: Path
) -> None:
    bring_up(kubectl)
    async with calls_on(f"default/{AGENT}", 0) as fleet, Call(fleet.options) as call:
        await call.listen()
        await call.say(fleet.clip)
        await call.listen()
        seconds = await kill_worker_of(kubectl, AGENT, call)
        (artefacts / "killed-worker.json").write_text(json.dumps({"seconds to another agent": seconds}))
        await call.wait_for_agent()
        back = await call.listen()
        assert back.transcript
        await call.say(fleet.clip)
        assert (await call.listen()).transcript
    kubectl("delete", "voiceagent", AGENT)


async def test_a_call_that_began_just_before_its_worker_was_killed_gets_another_agent(kubectl: Kubectl) -> None:
    bring_up(kubectl)
    async with calls_on(f"default/{AGENT}", 0) as fleet, Call(fleet.options) as call:
        # No time for the pod to be asked what calls it has.
        await kill_worker_of(kubectl, AGENT, call)
        await call.wait_for_agent()
        await call.say(fleet.clip)
        assert (await call.listen()).transcript
    kubectl("delete", "voiceagent", AGENT)


async def test_a_deleted_agents_calls_go_on_and_are_shown_until_their_callers_hang_up(
    kubectl: Kubectl, web: httpx.Client
) -> None:
    def listed() -> list[dict[str, Any]]:
        return [agent for agent in web.get("/agents").raise_for_status().json() if agent["name"] == AGENT]

    bring_up(kubectl)
    async with calls_on(f"default/{AGENT}", 1) as fleet:
        began = time.monotonic()
        await fleet.talk(1)
        kubectl("delete", "voiceagent", AGENT)
        await fleet.talk(2)
        (shown,) = listed()
        assert shown["deleted"] is True
        assert shown["draining"][0]["sessions"] == 1
        await fleet.talk(1)
        report = fleet.report(began)
    assert (report.dropped, report.unanswered) == ((), ()), report
    eventually(lambda: kubectl.get("pods", "-l", f"voiceagents.dev/agent={AGENT}")["items"], lambda pods: not pods)
    assert listed() == []
