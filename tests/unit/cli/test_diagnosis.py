"""The doctor's conclusions from what was found."""

from dataclasses import replace
from typing import Any

import pytest
import yaml
from voiceagent_api.install import InstallConfig
from voiceagent_cli.diagnosis import Check, Found, Verdict, diagnose, diagnosis_answer, livekit_addresses, secret_needs
from voiceagent_cli.tables import Format


def deployment(app: str, ready: int) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "voiceagents-system", "name": app},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app.kubernetes.io/name": app}}},
        "status": {"readyReplicas": ready},
    }


def unaddressed() -> dict[str, Any]:
    """An Ingress of whose address nothing is told."""
    spec = {"ingressClassName": "traefik", "rules": [{"http": {}}]}
    return {"metadata": {"namespace": "voiceagents-system", "name": "gateway"}, "spec": spec}


def agent(**spec: Any) -> dict[str, Any]:
    providers = {"stt": {"provider": "deepgram"}, "llm": {"provider": "openai"}, "tts": {"provider": "openai"}}
    conditions = [{"type": "Ready", "status": "True", "reason": "PodsReady", "message": "2 of 2 pods are ready."}]
    return {
        "metadata": {"name": "receptionist", "namespace": "default"},
        "spec": {"providers": providers, **spec},
        "status": {"conditions": conditions},
    }


INSTALL = InstallConfig.model_validate(
    {"workerImage": "x", "livekit": {"url": "ws://inside", "publicURL": "wss://outside"}}
)
WELL = Found(
    version="v1.36.0",
    crd={"spec": {"versions": [{"name": "v1alpha1", "served": True}]}},
    deployments=[deployment("voiceagent-controller", 2), deployment("voiceagent-gateway", 1)],
    install=INSTALL,
    ingresses=[
        {
            "metadata": {"namespace": "voiceagents-system", "name": "gateway"},
            "spec": {"rules": [{"host": "voice.test"}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
        }
    ],
    agents=[agent()],
    secrets={
        "livekit": frozenset({"LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"}),
        "openai": frozenset({"OPENAI_API_KEY"}),
        "deepgram": frozenset({"DEEPGRAM_API_KEY"}),
    },
    livekit={"wss://outside": ""},
    namespace="default",
)


def test_where_all_is_well_every_check_is_ok() -> None:
    checks = diagnose(WELL)
    assert {check.verdict for check in checks} == {Verdict.OK}
    assert diagnosis_answer(checks).text(Format.TABLE) == (
        "     CHECK                     FOUND\n"
        "OK   Cluster                   Kubernetes v1.36.0\n"
        "OK   VoiceAgent CRD            voiceagents.dev/v1alpha1\n"
        "OK   Operator                  voiceagents-system/voiceagent-controller: 2 of 2 pods are ready\n"
        "OK   Gateway                   voiceagents-system/voiceagent-gateway: 1 of 2 pods are ready\n"
        "OK   LiveKit                   wss://outside answers\n"
        "OK   Ingress                   voiceagents-system/gateway for voice.test at 192.0.2.1\n"
        "OK   Secrets of receptionist   all there\n"
        "OK   Agent receptionist        2 of 2 pods are ready.\n"
    )


def not_ready(reason: str, message: str) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "False", "reason": reason, "message": message}
    return {**agent(), "status": {"conditions": [condition]}}


@pytest.mark.parametrize(
    ("changed", "what", "verdict", "found"),
    [
        ({"crd": None}, "VoiceAgent CRD", "bad", "not installed"),
        (
            {"crd": {"spec": {"versions": [{"name": "v2", "served": True}]}}},
            "VoiceAgent CRD",
            "bad",
            "serves v2, not v1alpha1",
        ),
        ({"crd": None, "unread": {"crd": "You may not."}}, "VoiceAgent CRD", "note", "You may not."),
        ({"deployments": []}, "Operator", "bad", "not installed"),
        (
            {"deployments": [deployment("voiceagent-gateway", 0)]},
            "Gateway",
            "bad",
            "voiceagents-system/voiceagent-gateway: no pod of 2 is ready",
        ),
        ({"livekit": {"wss://a": "no answer in time"}}, "LiveKit", "bad", "wss://a: no answer in time"),
        ({"livekit": {}}, "LiveKit", "bad", "no server is named"),
        ({"ingresses": [unaddressed()]}, "Ingress", "note", "voiceagents-system/gateway for every host has no address"),
        (
            {"ingresses": [unaddressed()], "ingress_classes": frozenset({"nginx"})},
            "Ingress",
            "note",
            "voiceagents-system/gateway for every host has no address",
        ),
        ({"ingresses": []}, "Ingress", "note", "none for the gateway"),
        ({"secrets": {}}, "Secrets of receptionist", "bad", "there is no Secret deepgram"),
        ({"secrets": None}, "Secrets of receptionist", "note", "not known"),
        ({"agents": []}, "Agents", "note", "none in namespace default"),
        ({"agents": [], "unread": {"agents": "You may not."}}, "Agents", "note", "You may not."),
        ({"agents": [not_ready("X", "Why.")]}, "Agent receptionist", "bad", "X: Why."),
        ({"agents": [{**agent(), "status": {}}]}, "Agent receptionist", "bad", "no operator has seen it"),
    ],
)
def test_what_is_amiss_is_told(changed: dict[str, Any], what: str, verdict: str, found: str) -> None:
    checks = [check for check in diagnose(replace(WELL, **changed)) if check.what == what]
    assert (checks[0].verdict, checks[0].found) == (verdict, found)
    assert checks[0].cure


def test_an_ingress_whose_controller_tells_no_address_is_one_all_the_same() -> None:
    checks = diagnose(replace(WELL, ingresses=[unaddressed()], ingress_classes=frozenset({"traefik"})))
    told = "voiceagents-system/gateway for every host by traefik, which tells no address"
    assert Check("Ingress", Verdict.OK, told) in checks


def test_names_are_those_of_what_is_bad() -> None:
    checks = [Check("A", Verdict.OK, ""), Check("B", Verdict.BAD, "", "x"), Check("C", Verdict.NOTE, "")]
    assert diagnosis_answer(checks).text(Format.NAME) == "B\n"
    assert yaml.safe_load(diagnosis_answer(checks).text(Format.JSON))[1]["cure"] == "x"


def test_callers_are_told_the_public_address() -> None:
    own = agent(livekit={"url": "wss://own"})
    assert livekit_addresses(INSTALL, [agent(), agent(), own]) == ["wss://outside", "wss://own"]
    assert livekit_addresses(None, [agent()]) == []


def test_an_agents_secrets_follow_its_own_words_and_the_installs() -> None:
    install = InstallConfig.model_validate(
        {"workerImage": "x", "providers": {"stt.deepgram": {"secretName": "speech", "secretKey": "KEY"}}}
    )
    providers = {
        "stt": {"provider": "deepgram"},
        "llm": {
            "provider": "openai",
            "credentialsSecretRef": {"name": "mine", "key": "K"},
            "fallbacks": [{"provider": "openai_compatible"}, {"provider": "unlisted"}],
        },
        "tts": {"provider": "azure"},
    }
    item = agent(providers=providers, livekit={"credentialsSecretRef": {"name": "lk"}})
    assert secret_needs(item, install) == {
        "lk": {"LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"},
        "speech": {"KEY"},
        "mine": {"K"},
        "azure": {"AZURE_SPEECH_KEY", "AZURE_SPEECH_REGION"},
    }
