"""Defaults are filled in, and what cannot be is told in a sentence."""

from collections.abc import Callable
from typing import Any

import pytest
from voiceagent_api.install import InstallConfig
from voiceagent_operator.agent import is_paused, parse_agent
from voiceagent_operator.errors import Hindrance
from voiceagent_operator.reasons import Problem
from voiceagent_operator.resolve import Plan, resolve

Make = Callable[..., dict[str, Any]]


def test_a_secret_is_the_users_else_the_installs_else_named_after_the_provider(plan: Callable[..., Plan]) -> None:
    providers = {
        "stt": {"provider": "deepgram"},
        "llm": {"provider": "openai"},
        "tts": {"provider": "openai", "credentialsSecretRef": {"name": "voice", "key": "KEY"}},
    }
    made = plan(providers=providers)
    assert [(p.secret_name, p.secret_key) for p in made.providers] == [
        ("speech", "SPEECH_KEY"),
        ("openai", "OPENAI_API_KEY"),
        ("voice", "KEY"),
    ]
    assert made.secrets == {"speech", "openai", "voice", "livekit"}


def test_an_address_and_a_model_are_the_users_else_defaults(plan: Callable[..., Plan]) -> None:
    llm = {"provider": "openai", "model": "own", "baseURL": "http://own.test"}
    own = plan(providers={"stt": {"provider": "deepgram"}, "llm": llm, "tts": {"provider": "deepgram"}})
    _, own_llm, own_tts = own.providers
    assert (own_llm.model, own_llm.base_url) == ("own", "http://own.test")
    assert (own_tts.model, own_tts.base_url) == ("aura-2-andromeda-en", None)
    assert plan().providers[1].base_url == "http://speech.test/v1"


def test_the_dispatch_name_defaults_to_namespace_and_name(plan: Callable[..., Plan]) -> None:
    assert plan(name="desk", namespace="team").agent_name == "team-desk"
    assert plan(agentName="own").agent_name == "own"


def test_all_unknown_providers_are_told_at_once_with_the_nearest_name(manifest: Make, install: InstallConfig) -> None:
    providers = {"stt": {"provider": "deepgramm"}, "llm": {"provider": "acme"}, "tts": {"provider": "openai"}}
    with pytest.raises(Hindrance) as raised:
        resolve(parse_agent(manifest(providers=providers)), install, "")
    assert raised.value.problem == Problem(
        "UnknownProvider",
        'spec.providers.stt.provider "deepgramm" is not known. Did you mean "deepgram"? Known stt providers: openai, '
        'deepgram. spec.providers.llm.provider "acme" is not known. Known llm providers: openai.',
    )


def test_no_livekit_server_anywhere_is_told(manifest: Make) -> None:
    with pytest.raises(Hindrance) as raised:
        resolve(parse_agent(manifest()), InstallConfig(), "")
    assert raised.value.problem.reason == "LiveKitURLMissing"
    assert "set spec.livekit.url" in raised.value.problem.message


def test_a_spec_that_the_types_refuse_is_told_with_its_field_and_without_its_value(manifest: Make) -> None:
    with pytest.raises(Hindrance) as raised:
        parse_agent(manifest(replicas="secret-value", drain={"timeoutSeconds": 1}))
    problem = raised.value.problem
    assert problem.reason == "InvalidSpec"
    assert "spec.replicas: Input should be a valid integer" in problem.message
    assert "spec.drain.timeoutSeconds: Input should be greater than or equal to 10" in problem.message
    assert "secret-value" not in problem.message


@pytest.mark.parametrize("spec", [None, {}, {"instructions": 3}, {"providers": []}])
def test_no_spec_at_all_is_a_hindrance_and_no_crash(manifest: Make, spec: Any) -> None:
    with pytest.raises(Hindrance):
        parse_agent({**manifest(), "spec": spec})


def test_a_suspended_agent_wants_no_replicas_whatever_their_number(manifest: Make) -> None:
    assert parse_agent(manifest(replicas=4)).wanted_replicas == 4
    assert parse_agent(manifest(replicas=4, suspend=True)).wanted_replicas == 0


def test_an_annotation_pauses(manifest: Make) -> None:
    body = manifest()
    assert not is_paused(body)
    body["metadata"]["annotations"] = {"voiceagents.dev/paused": "true"}
    assert is_paused(body)


def test_an_unknown_plugin_is_told_with_the_nearest_name(manifest: Make, install: InstallConfig) -> None:
    with pytest.raises(Hindrance) as raised:
        resolve(parse_agent(manifest(plugins=[{"name": "example"}, {"name": "profanity_filtre"}])), install, "")
    assert raised.value.problem == Problem(
        "UnknownPlugin",
        'spec.plugins "profanity_filtre" is not known to the worker image. Did you mean "profanity_filter"? '
        "Known plugins: conversation_memory, example, profanity_filter, sentiment_analysis.",
    )


def test_a_webhook_or_an_image_of_ones_own_may_have_a_plugin_of_any_name(plan: Callable[..., Plan]) -> None:
    webhook = {"name": "crm", "webhook": {"url": "https://crm.test", "secretRef": {"name": "crm"}}}
    made = plan(plugins=[webhook, {"name": "example"}])
    assert [(one.plugin.name, one.secret_name) for one in made.plugins] == [("crm", "crm"), ("example", None)]
    assert "crm" in made.mounted_secrets
    assert plan(image="own:1", plugins=[{"name": "ours"}]).plugins[0].plugin.name == "ours"
