"""The API server goes away and comes back."""

import time
from typing import Any

OUTAGE_SECONDS = 120


def test_an_outage_loses_nothing_and_restarts_nobody(new_operator: Any, space: Any) -> None:
    process = new_operator("--namespace", space.name, "--leader-elect", space.name)
    process.start()
    space.apply()
    space.until_deployed()
    with space.cluster.outage():
        end = time.monotonic() + OUTAGE_SECONDS
        while time.monotonic() < end:
            assert process.asks("/healthz") == 200
            time.sleep(1)
    space.apply("second", agentName="second")
    space.do("delete", "service", "receptionist")
    space.apply(instructions="You answer the phone of Red Dental.")
    space.cluster.until(lambda: space.get("deployments", "second"), "the second agent's Deployment", 60)
    space.cluster.until(lambda: space.get("services"), "the deleted Service is back", 60)
    space.cluster.until(
        lambda: (
            space.get("voiceagents")["status"]["observedGeneration"]
            == space.get("voiceagents")["metadata"]["generation"]
        ),
        "the change is taken up",
        60,
    )
    assert process.process.poll() is None


def test_what_changed_while_the_operator_could_not_see_it_is_seen_afterwards(new_operator: Any, space: Any) -> None:
    process = new_operator("--namespace", space.name)
    process.start()
    for name in ("one", "two"):
        space.apply(name)
        space.until_deployed(name)
    with space.cluster.outage():
        pass
    space.do("delete", "va", "one")
    space.cluster.until(lambda: space.get("deployments", "one") is None, "its children go", 60)
    seen = 'voiceagent_operator_watched_objects{kind="VoiceAgent"}'
    space.cluster.until(lambda: process.number(seen) == 1, "the deletion is seen", 60)
    space.do("delete", "deployment", "two", "--wait=false")
    space.cluster.until(lambda: space.get("deployments", "two"), "a deleted child comes back", 60)
