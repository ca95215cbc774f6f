"""An agent to build from, and an install that serves it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from voiceagent_api.install import InstallConfig
from voiceagent_operator.agent import parse_agent
from voiceagent_operator.resolve import Plan, resolve

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def install() -> InstallConfig:
    return InstallConfig.model_validate(
        {
            "workerImage": "registry.test/voiceagent-worker:1",
            "livekit": {"url": "ws://livekit.test:7880", "publicURL": "wss://calls.test"},
            "providers": {
                "llm.openai": {"baseURL": "http://speech.test/v1"},
                "deepgram": {"secretName": "speech", "secretKey": "SPEECH_KEY"},
            },
        }
    )


@pytest.fixture(scope="session")
def manifest() -> Callable[..., dict[str, Any]]:
    """Makes the example's VoiceAgent as the API server tells of it, with some of its spec changed."""

    def make(name: str = "receptionist", namespace: str = "default", **spec: Any) -> dict[str, Any]:
        document = yaml.safe_load((REPOSITORY / "crds/examples/receptionist.yaml").read_text(encoding="utf-8"))
        document["metadata"] = {
            "name": name,
            "namespace": namespace,
            "uid": "11111111-2222-3333-4444-555555555555",
            "resourceVersion": "7",
            "generation": 3,
        }
        document["spec"] |= spec
        return dict(document)

    return make


@pytest.fixture(scope="session")
def plan(install: InstallConfig, manifest: Callable[..., dict[str, Any]]) -> Callable[..., Plan]:
    """Makes the plan of such a VoiceAgent."""

    def make(**changes: Any) -> Plan:
        agent = parse_agent(manifest(**changes))
        return resolve(agent, install, agent.spec.instructions or "")

    return make
