"""People talk on, whatever is done to the agent meanwhile: real pods, real calls, robots as callers."""

import json
from pathlib import Path

import pytest
from call_fleet import calls_on
from changes_under_calls import AGENT, CALLS, bring_up, change_everything
from on_sandbox import Kubectl


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
