"""The install's Secret for the memory of callers: mounted where an agent remembers, and nowhere else."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from voiceagent_api.install import InstallConfig, RedisSettings
from voiceagent_operator.agent import parse_agent
from voiceagent_operator.build.children import Children, build_children
from voiceagent_operator.credentials import provider_problem
from voiceagent_operator.resolve import Plan, resolve

MEMORY: dict[str, Any] = {"name": "conversation_memory", "config": {"retentionHours": 24}}
FILE = "/var/run/voiceagent/credentials/memory/REDIS_URL"


@pytest.fixture
def planned(install: InstallConfig, manifest: Callable[..., dict[str, Any]]) -> Callable[..., Plan]:
    """Plans of an install that names the Secret."""
    with_memory = install.model_copy(update={"redis": RedisSettings(memory_secret_name="memory")})

    def make(**spec: Any) -> Plan:
        return resolve(parse_agent(manifest(**spec)), with_memory, "You answer the phone.")

    return make


def built(plan: Plan) -> Children:
    return build_children(plan, "uid/1")


def plugins(children: Children) -> list[dict[str, Any]]:
    return list(json.loads(children.config_map["data"]["agent.json"])["plugins"])


def volumes(children: Children) -> list[dict[str, Any]]:
    return list(children.deployment["spec"]["template"]["spec"]["volumes"])


def test_it_is_mounted_and_named_to_the_plugin(planned: Callable[..., Plan]) -> None:
    children = built(planned(plugins=[MEMORY, {"name": "example"}]))
    assert {"secretName": "memory", "optional": True} in [one.get("secret") for one in volumes(children)]
    memory, example = plugins(children)
    assert memory["config"] == {"retentionHours": 24, "redisURLFile": FILE}
    assert "redisURLFile" not in example.get("config", {})


def test_no_pod_rolls_where_an_agent_remembers_nobody_or_the_install_names_none(
    planned: Callable[..., Plan], plan: Callable[..., Plan]
) -> None:
    assert built(planned(instructions="You answer the phone.")).revision == built(plan()).revision
    assert built(plan(plugins=[MEMORY])).revision == built(plan()).revision


@pytest.mark.parametrize(
    "spec",
    [
        {"plugins": [{**MEMORY, "config": {"redisURLFile": "/mine"}}]},
        {"plugins": [{**MEMORY, "config": {"path": "/mine"}}]},
        {"plugins": [MEMORY], "podTemplate": {"env": [{"name": "REDIS_URL", "value": "redis://mine:6379/0"}]}},
        {"plugins": [{"name": "conversation_memory", "webhook": {"url": "https://mine.test"}}]},
    ],
    ids=str,
)
def test_an_agent_with_a_store_of_its_own_keeps_it(planned: Callable[..., Plan], spec: dict[str, Any]) -> None:
    plan = planned(**spec)
    assert "memory" not in plan.mounted_secrets
    assert plugins(built(plan))[0].get("config", {}) == spec["plugins"][0].get("config", {})


def test_a_missing_one_is_told_with_the_command_that_makes_it(planned: Callable[..., Plan]) -> None:
    problem = provider_problem(planned(plugins=[MEMORY]), {})
    assert problem is not None
    assert (
        "Secret default/memory with key REDIS_URL is missing; needed by plugin conversation_memory. Make it: kubectl "
        "--namespace default create secret generic memory --from-literal=REDIS_URL=..."
    ) in problem.message
