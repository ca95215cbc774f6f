"""TLS contexts are made before a call and shared by its clients."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from livekit.agents.utils import http_context
from voiceagent_api.agent_config import AgentConfig
from voiceagent_worker.logs import Redactor
from voiceagent_worker.providers import build_models
from voiceagent_worker.providers.tls import http_client, tls_context, warm_tls


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which contexts are made from now on, for what reason does not matter."""
    contexts: list[str] = []
    original = ssl.create_default_context

    def count(*arguments: Any, **more: Any) -> ssl.SSLContext:
        contexts.append(str(more))
        return original(*arguments, **more)

    monkeypatch.setattr(ssl, "create_default_context", count)
    return contexts


async def test_once_a_process_is_warm_its_models_make_no_context(tmp_path: Path, made: list[str]) -> None:
    tls_context.cache_clear()
    http_context._ssl_context_for.cache_clear()
    warm_tls()
    assert len(made) == 2
    key = tmp_path / "OPENAI_API_KEY"
    key.write_text("sk-any-key")
    url = "https://models.example/v1"
    provider = {"provider": "openai", "baseURL": url, "credentialsPath": str(key)}
    config = AgentConfig.model_validate(
        {
            "namespace": "default",
            "name": "receptionist",
            "agentName": "a",
            "livekitURL": "ws://livekit:7880",
            "instructions": "You answer the phone.",
            "providers": {
                "stt": {**provider, "model": "whisper-1"},
                "llm": {
                    "provider": "anthropic",
                    "model": "claude",
                    "credentialsPath": str(key),
                    "fallbacks": [{**provider, "model": "gpt-4o-mini"}],
                },
                "tts": {**provider, "model": "tts-1"},
            },
        }
    )
    models = await build_models(config, Redactor(), None)
    assert str(models.tts._client.base_url) == f"{url}/"  # type: ignore[union-attr]
    async with http_context.open():
        http_context.http_session()
    assert len(made) == 2


def test_what_is_trusted_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    tls_context.cache_clear()
    with pytest.raises(FileNotFoundError):
        http_client()
    tls_context.cache_clear()
