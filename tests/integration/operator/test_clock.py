"""An operator whose clock is set, forth and back."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jumping_clock
import pytest


def leads(process: Any) -> bool:
    return bool(process.number("voiceagent_operator_leader ") == 1)


@pytest.mark.parametrize("hours", [26, -26])
def test_a_clock_that_jumps_disturbs_neither_the_lead_nor_the_work(new_operator: Any, space: Any, hours: int) -> None:
    first = new_operator("--namespace", space.name, "--leader-elect", space.name)
    first.program = (Path(jumping_clock.__file__),)
    first.start()
    space.cluster.until(lambda: leads(first), "the first leads")
    second = new_operator("--namespace", space.name, "--leader-elect", space.name)
    second.start()
    space.apply()
    space.until_deployed()
    before = space.get("leases", "voiceagent-operator")["spec"]

    first.tell(f"{hours}\n")
    space.cluster.until(lambda: "it is " in first.log.read_text(), "the clock has jumped")
    space.apply(instructions="You have been changed.")
    space.cluster.until(
        lambda: any("You have been changed." in json.dumps(item["data"]) for item in space.list("configmaps")),
        "the change is taken in",
    )

    def renewed() -> bool:
        written = datetime.fromisoformat(space.get("leases", "voiceagent-operator")["spec"]["renewTime"])
        return abs(written - datetime.now(UTC) - timedelta(hours=hours)) < timedelta(minutes=10)

    space.cluster.until(renewed, "the lease is renewed by the new time")
    after = space.get("leases", "voiceagent-operator")["spec"]
    assert (after["holderIdentity"], after["leaseTransitions"]) == (
        before["holderIdentity"],
        before["leaseTransitions"],
    )
    assert (leads(first), leads(second)) == (True, False)
    assert first.asks("/healthz") == second.asks("/healthz") == 200
    assert second.writes() == 0
