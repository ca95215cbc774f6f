"""A new default image comes to the fleet in waves: bounded at once, and one that is bad stops with the first."""

from collections.abc import Callable
from typing import Any

import pytest

STOPPED = {
    "type": "Progressing",
    "status": "False",
    "reason": "ProgressDeadlineExceeded",
    "message": "It took too long.",
    "lastUpdateTime": "2026-01-01T00:00:00Z",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}
"""What the Deployment's controller would say after ten minutes, and keeps once it is said."""


def start(new_operator: Any, space: Any, tag: str, limit: int) -> Any:
    """An operator whose install has the worker image of that tag."""
    image = f"worker.test/voiceagent-worker:{tag}"
    process = new_operator("--namespace", space.name, workerImage=image, rollout={"maxConcurrentAgents": limit})
    process.start()
    return process


def fleet_with(new_operator: Any, space: Any, tag: str, agents: list[str]) -> None:
    """Agents that serve with that image; their operator is gone."""
    process = start(new_operator, space, tag, 1)
    for name in agents:
        space.apply(name)
    for name in agents:
        space.until_deployed(name)
        space.serve(name, selected=True)
    process.stop()


def having(space: Any, tag: str) -> set[str]:
    """Who has that image."""
    return {
        item["metadata"]["name"]
        for item in space.list("deployments")
        if item["spec"]["template"]["spec"]["containers"][0]["image"].endswith(f":{tag}")
    }


def test_a_new_default_image_comes_to_a_few_agents_at_a_time(new_operator: Any, space: Any) -> None:
    agents, limit = [f"agent-{number:02d}" for number in range(50)], 10
    fleet_with(new_operator, space, "old", agents)
    start(new_operator, space, "new", limit)
    done: set[str] = set()
    while len(done) < len(agents):
        next_ones = min(limit, len(agents) - len(done))
        space.cluster.until(
            lambda seen=done, least=next_ones: len(having(space, "new") - seen) >= least, "the next ones roll"
        )
        under_way = having(space, "new") - done
        assert len(under_way) <= limit
        waiting = sorted(set(agents) - having(space, "new"))
        if waiting:
            space.until_reason("WaitingForTurn", "Reconciling", waiting[-1])
        for name in under_way:
            space.serve(name, selected=True)
        done = done | under_way


def test_an_image_that_does_not_come_up_stops_with_the_first_agents_and_a_better_one_reaches_all(
    new_operator: Any, space: Any
) -> None:
    agents, limit = [f"agent-{number}" for number in range(6)], 2
    fleet_with(new_operator, space, "old", agents)
    process = start(new_operator, space, "bad", limit)
    space.cluster.until(lambda: len(having(space, "bad")) == limit, "the first ones have it")
    stopped = sorted(having(space, "bad"))
    for name in stopped:
        path = f"/apis/apps/v1/namespaces/{space.name}/deployments/{name}/status"
        space.cluster.merge(path, {"status": {"conditions": [STOPPED]}})
        space.until_reason("RolloutPutBack", "Stalled", name)
    waiting = sorted(set(agents) - set(stopped))

    def told() -> bool:
        conditions = [space.condition("Reconciling", name) for name in waiting]
        return all(
            condition["reason"] == "WaitingForTurn" and f"such as {space.name}/{stopped[0]}" in condition["message"]
            for condition in conditions
        )

    space.cluster.until(told, "those who wait are told why")
    assert having(space, "old") == set(agents), "the first ones have what they had before"
    process.stop()
    process.start()
    space.cluster.until(told, "an operator that starts anew knows it, too")
    assert having(space, "old") == set(agents)
    assert {space.condition("Ready", name)["status"] for name in agents} == {"True"}, "calls are taken as before"
    process.stop()
    start(new_operator, space, "good", limit)

    def all_have_it() -> bool:
        for name in having(space, "good"):
            space.serve(name, selected=True)
        return having(space, "good") == set(agents)

    space.cluster.until(all_have_it, "the better image is everywhere")


def pause(space: Any, name: str) -> None:
    space.do("annotate", "va", name, "voiceagents.dev/paused=true")


def hinder(space: Any, name: str) -> None:
    document = space.manifest(name)
    document["spec"]["providers"]["llm"]["provider"] = "opnai"
    space.cluster.apply(document, "voiceagents")


@pytest.mark.parametrize("interrupt", [pause, hinder])
def test_an_agent_paused_or_hindered_in_the_midst_of_its_rollout_does_not_hold_up_the_others(
    new_operator: Any, space: Any, interrupt: Callable[[Any, str], None]
) -> None:
    agents = ["first", "second"]
    fleet_with(new_operator, space, "old", agents)
    start(new_operator, space, "new", 1)
    space.cluster.until(lambda: len(having(space, "new")) == 1, "one has it")
    (rolling,) = having(space, "new")
    interrupt(space, rolling)
    space.cluster.until(lambda: having(space, "new") == set(agents), "the other has it, too")
