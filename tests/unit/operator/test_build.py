"""Builders: what they make is written down in golden/, and holds for whatever a user writes.

To write the golden files anew: UPDATE_GOLDEN=1 pytest tests/unit/operator/test_build.py
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from voiceagent_api.agent_config import AgentConfig, config_revision
from voiceagent_operator.build import build_children
from voiceagent_operator.build.quantity import quantity_value
from voiceagent_operator.resolve import Plan

GOLDEN = Path(__file__).parent / "golden"
STAMP = "aaaaaaaa-bbbb/42"
FULL: dict[str, Any] = {
    "agentName": "front-desk",
    "instructions": "You are the front desk.\nBe brief.",
    "language": "fr-CA",
    "livekit": {"url": "wss://own.test", "credentialsSecretRef": {"name": "own-livekit"}},
    "providers": {
        "stt": {"provider": "deepgram", "credentialsSecretRef": {"name": "shared", "key": "DG"}},
        "llm": {
            "provider": "openai",
            "model": "gpt-5",
            "baseURL": "https://llm.test/v1",
            "options": {"temperature": 0.4},
            "credentialsSecretRef": {"name": "shared"},
        },
        "tts": {"provider": "deepgram", "voice": "aura", "credentialsSecretRef": {"name": "shared", "key": "DG"}},
    },
    "plugins": [
        {"name": "profanity_filter", "onError": "Fail", "config": {"mask": "first_letter"}},
        {
            "name": "crm",
            "timeoutMilliseconds": 500,
            "webhook": {"url": "https://crm.test/hook", "secretRef": {"name": "crm"}},
        },
    ],
    "mcpServers": [{"name": "calendar", "url": "https://tools.test/mcp", "secretRef": {"name": "tools", "key": "T"}}],
    "replicas": 4,
    "sessions": {"maxDurationSeconds": 60},
    "drain": {"timeoutSeconds": 120},
    "logging": {"level": "DEBUG"},
    "image": "registry.test/own:2",
    "imagePullSecrets": [{"name": "registry"}],
    "resources": {"requests": {"memory": "3Gi"}, "limits": {"cpu": 2}},
}
HOT: list[dict[str, Any]] = [
    {"plugins": [{"name": "profanity_filter"}]},
    {"plugins": [{"name": "crm", "webhook": {"url": "https://crm.test/hook"}}]},
    {"mcpServers": [{"name": "calendar", "url": "https://tools.test/mcp"}]},
    {"instructions": "Other."},
    {"greeting": "Other."},
    {"language": "de"},
    {"logging": {"level": "ERROR"}},
    {"sessions": {"maxDurationSeconds": 60}},
    {"providers": {"stt": {"provider": "deepgram", "model": "nova-2"}, "llm": {"provider": "openai", "model": "o"},
                   "tts": {"provider": "openai", "voice": "echo", "options": {"speed": 2}}}},
    {"providers": {"stt": {"provider": "openai", "baseURL": "http://a.test"}, "llm": {"provider": "openai"},
                   "tts": {"provider": "deepgram"}}},
]  # fmt: skip
ROLLS: list[dict[str, Any]] = [
    {"plugins": [{"name": "crm", "webhook": {"url": "https://crm.test/hook", "secretRef": {"name": "crm"}}}]},
    {"mcpServers": [{"name": "calendar", "url": "https://tools.test/mcp", "secretRef": {"name": "tools"}}]},
    {"image": "other:1"},
    {"resources": {"limits": {"memory": "4Gi"}}},
    {"livekit": {"url": "ws://other.test"}},
    {"livekit": {"credentialsSecretRef": {"name": "other"}}},
    {"drain": {"timeoutSeconds": 7200}},
    {"imagePullSecrets": [{"name": "registry"}]},
    {"providers": {"stt": {"provider": "deepgram"}, "tts": {"provider": "openai"},
                   "llm": {"provider": "openai", "credentialsSecretRef": {"name": "another"}}}},
]  # fmt: skip
NEITHER: list[dict[str, Any]] = [{"replicas": 9}, {"suspend": True}]

unhurried = settings(deadline=None)
names = st.from_regex(r"[a-z]([-a-z0-9]{0,50}[a-z0-9])?", fullmatch=True)


def container(deployment: dict[str, Any]) -> dict[str, Any]:
    (worker,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(worker)


@pytest.mark.parametrize(("name", "spec"), [("receptionist", {}), ("full", FULL), ("suspended", {"suspend": True})])
def test_children_are_as_written_down(plan: Callable[..., Plan], name: str, spec: dict[str, Any]) -> None:
    children = build_children(plan(**spec), STAMP)
    text = yaml.safe_dump_all(children.all, sort_keys=False, width=120)
    golden = GOLDEN / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("spec", HOT, ids=str)
def test_a_hot_change_changes_the_config_file_and_no_pod(plan: Callable[..., Plan], spec: dict[str, Any]) -> None:
    before, after = build_children(plan(), STAMP), build_children(plan(**spec), STAMP)
    assert after.deployment == before.deployment
    assert after.config_map["metadata"] == before.config_map["metadata"]
    assert after.config_revision != before.config_revision


@pytest.mark.parametrize("spec", ROLLS, ids=str)
def test_a_change_that_needs_new_pods_makes_a_new_template_and_a_config_file_of_its_own(
    plan: Callable[..., Plan], spec: dict[str, Any]
) -> None:
    before, after = build_children(plan(), STAMP), build_children(plan(**spec), STAMP)
    assert after.revision != before.revision
    assert after.config_map["metadata"]["name"] == f"receptionist-{after.revision}"
    assert after.deployment["spec"]["selector"] == before.deployment["spec"]["selector"]


@pytest.mark.parametrize("spec", NEITHER, ids=str)
def test_the_number_of_pods_changes_neither_template_nor_config_file(
    plan: Callable[..., Plan], spec: dict[str, Any]
) -> None:
    before, after = build_children(plan(), STAMP), build_children(plan(**spec), STAMP)
    assert (after.revision, after.config_revision) == (before.revision, before.config_revision)


def test_a_changed_livekit_secret_makes_a_new_template(plan: Callable[..., Plan]) -> None:
    assert build_children(plan(), "uid/1").revision != build_children(plan(), "uid/2").revision


@unhurried
@given(name=names, namespace=names)
def test_every_name_and_label_fits_and_the_selector_selects_the_pods(
    plan: Callable[..., Plan], name: str, namespace: str
) -> None:
    children = build_children(plan(name=name, namespace=namespace), STAMP)
    template = children.deployment["spec"]["template"]
    selector = children.deployment["spec"]["selector"]["matchLabels"]
    assert selector.items() <= template["metadata"]["labels"].items()
    assert children.service["spec"]["selector"] == selector
    assert children.pod_disruption_budget["spec"]["selector"]["matchLabels"] == selector
    for child in children.all:
        assert child["metadata"]["namespace"] == namespace
        assert len(child["metadata"]["name"]) <= 63
        assert all(len(value) <= 63 for value in child["metadata"]["labels"].values())


@unhurried
@given(
    instructions=st.text(min_size=1, max_size=200),
    greeting=st.none() | st.text(max_size=50),
    options=st.dictionaries(
        st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5), max_size=3
    ),
)
def test_the_config_file_reads_back_as_it_was_meant(
    plan: Callable[..., Plan], instructions: str, greeting: str | None, options: dict[str, Any]
) -> None:
    providers = {
        "stt": {"provider": "deepgram"},
        "llm": {"provider": "openai", "options": options},
        "tts": {"provider": "openai"},
    }
    children = build_children(plan(instructions=instructions, greeting=greeting, providers=providers), STAMP)
    text = children.config_map["data"]["agent.json"]
    config = AgentConfig.model_validate_json(text)
    assert (config.instructions, config.greeting, config.providers.llm.options) == (instructions, greeting, options)
    assert children.config_revision == config_revision(text)


@unhurried
@given(timeout=st.integers(min_value=3600, max_value=90000))
def test_a_pod_is_given_the_drain_time_and_a_margin(plan: Callable[..., Plan], timeout: int) -> None:
    deployment = build_children(plan(drain={"timeoutSeconds": timeout}), STAMP).deployment
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == timeout + 30


amounts = st.dictionaries(
    st.sampled_from(["cpu", "memory", "ephemeral-storage"]),
    st.integers(1, 64) | st.from_regex(r"[1-9][0-9]{0,3}(m|Mi|Gi|k|M)?", fullmatch=True),
)


@unhurried
@given(requests=amounts, limits=amounts)
def test_a_default_amount_never_contradicts_what_the_user_wrote(
    plan: Callable[..., Plan], requests: dict[str, Any], limits: dict[str, Any]
) -> None:
    deployment = build_children(plan(resources={"requests": requests, "limits": limits}), STAMP).deployment
    built = container(deployment)["resources"]
    assert {name: str(value) for name, value in requests.items()}.items() <= built["requests"].items()
    assert {name: str(value) for name, value in limits.items()}.items() <= built["limits"].items()
    for name in built["requests"].keys() & built["limits"].keys():
        if not (name in requests and name in limits):
            assert quantity_value(built["requests"][name]) <= quantity_value(built["limits"][name])


@pytest.mark.parametrize(
    ("resources", "cpus"),
    [({}, "1"), ({"requests": {"cpu": "1500m"}}, "2"), ({"limits": {"cpu": "2"}}, None)],
)
def test_a_worker_is_told_its_cpus_where_no_limit_tells_it(
    plan: Callable[..., Plan], resources: dict[str, Any], cpus: str | None
) -> None:
    environment = container(build_children(plan(resources=resources), STAMP).deployment)["env"]
    assert next((item["value"] for item in environment if item["name"] == "NUM_CPUS"), None) == cpus


def test_a_secret_of_two_providers_is_mounted_once_and_each_key_is_found_in_it(plan: Callable[..., Plan]) -> None:
    children = build_children(plan(**FULL), STAMP)
    mounts = [mount["mountPath"] for mount in container(children.deployment)["volumeMounts"]]
    assert mounts.count("/var/run/voiceagent/credentials/shared") == 1
    providers = json.loads(children.config_map["data"]["agent.json"])["providers"]
    assert providers["stt"]["credentialsPath"] == "/var/run/voiceagent/credentials/shared/DG"
    assert providers["llm"]["credentialsPath"] == "/var/run/voiceagent/credentials/shared/OPENAI_API_KEY"


@pytest.mark.parametrize(
    ("text", "value"),
    [("2", 2), ("250m", 0.25), ("1.5Gi", 1.5 * 2**30), (".5", 0.5), ("1e3", 1000), ("3k", 3000), ("2Ki", 2048)],
)
def test_an_amount_has_its_value(text: str, value: float) -> None:
    assert float(quantity_value(text)) == value


@pytest.mark.parametrize("text", ["", "much", "1 Gi", "-1", "1gi"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a Kubernetes quantity"):
        quantity_value(text)
