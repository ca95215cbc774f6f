"""The main process asks providers whether they take their keys, by what costs nothing."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from voiceagent_api.agent_config import AgentConfig, ProviderConfig, ProvidersConfig
from voiceagent_api.catalogue import CATALOGUE, ProviderEntry
from voiceagent_api.worker_status import ProviderCheck
from voiceagent_worker import provider_checks
from voiceagent_worker.provider_checks import ProviderChecker, Question, ask, judge, questions
from voiceagent_worker.providers.keys import ProviderCredentials

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LISTS = b'{"data": [{"id": "gpt-4o-mini"}, {"id": "whisper-1"}, {"id": "tts-1"}]}'


class Provider:
    """A provider's list of models."""

    def __init__(self) -> None:
        self.status = 200
        self.body = LISTS
        self.delay = asyncio.Event()
        self.delay.set()
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.path_qs, dict(request.headers)))
        await self.delay.wait()
        return web.Response(status=self.status, body=self.body)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
    yield made
    made.delay.set()
    await runner.cleanup()


def config(**choice: Any) -> AgentConfig:
    one = ProviderConfig(**{"provider": "openai", "model": "gpt-4o-mini", **choice})
    return AgentConfig(
        namespace="default",
        name="receptionist",
        agent_name="default-receptionist",
        livekit_url="ws://livekit:7880",
        instructions="You answer.",
        providers=ProvidersConfig(stt=one, llm=one, tts=one),
    )


def question(base_url: str | None = None, model: str = "gpt-4o-mini") -> Question:
    (first, *_) = questions(config(base_url=base_url or "http://own/v1", model=model))
    one = ProviderConfig(provider="openai", model=model, base_url=base_url)
    return Question("llm", one, first.check, ProviderCredentials("sk-test"))


@pytest.mark.parametrize(
    ("status", "body", "model", "ok", "words"),
    [
        (200, LISTS, "gpt-4o-mini", True, ""),
        (200, LISTS, "gpt-4o-mni", False, 'it does not list the model "gpt-4o-mni". Did you mean "gpt-4o-mini"?'),
        (401, b"", "gpt-4o-mini", False, "it refused the key"),
        (403, b"", "gpt-4o-mini", False, "it refused the key"),
        (503, b"", "gpt-4o-mini", None, "it answered with HTTP status 503"),
    ],
)
def test_an_answer_is_judged(status: int, body: bytes, model: str, ok: bool | None, words: str) -> None:
    judged = judge(question(model=model), status, body, NOON)
    assert judged == ProviderCheck(kind="llm", provider="openai", ok=ok, message=words, checked_at=NOON)


@pytest.mark.parametrize(("status", "body"), [(404, b""), (429, b""), (302, b""), (200, b"<html>"), (200, b'{"a": 1}')])
def test_what_says_nothing_of_the_key_is_not_told(status: int, body: bytes) -> None:
    assert judge(question(), status, body, NOON) is None


def test_a_server_of_ones_own_may_serve_what_it_does_not_list() -> None:
    judged = judge(question("http://own/v1", "mine"), 200, LISTS, NOON)
    assert judged is not None and judged.ok is True


@pytest.mark.parametrize(
    "entry", [entry for entry in CATALOGUE if entry.check], ids=lambda entry: f"{entry.kind}-{entry.name}"
)
async def test_every_provider_is_asked_with_its_key_in_a_header(entry: ProviderEntry, provider: Provider) -> None:
    provider.status = 401
    asked = Question(
        entry.kind,
        ProviderConfig(provider=entry.name, model="m", base_url=provider.url),
        entry.check,
        ProviderCredentials("sk-test-key"),
    )
    async with aiohttp.ClientSession() as http:
        answer = await ask(asked, http, lambda: NOON)
    assert answer is not None and answer.ok is False
    ((path, headers),) = provider.asked
    assert entry.check is not None and path == entry.check.path and "sk-test-key" not in path
    assert any("sk-test-key" in value for value in headers.values())


async def test_who_does_not_answer_is_unknown_and_no_longer_waited_for(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_checks, "ANSWER_SECONDS", 0.2)
    provider.delay.clear()
    async with aiohttp.ClientSession() as http:
        silent = await ask(question(provider.url), http, lambda: NOON)
        nobody = await ask(question("http://127.0.0.1:9"), http, lambda: NOON)
    assert silent is not None and (silent.ok, silent.message) == (None, "no answer within 0 s")
    assert nobody is not None and (nobody.ok, nobody.message) == (None, "no connection (ClientConnectorError)")


def test_a_key_that_is_not_there_is_told_without_asking(tmp_path: Path) -> None:
    (first, *_) = questions(config(credentials_path=str(tmp_path / "none")))
    assert "is missing: there is no file" in first.problem


async def test_a_corrected_key_is_asked_with_at_once_and_a_good_one_seldom(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_checks, "LOOK_SECONDS", 0.02)
    key = tmp_path / "key"
    key.write_text("sk-wrong")
    provider.status = 401
    told: dict[str, ProviderCheck | None] = {}
    wanted = config(base_url=f"{provider.url}/v1", credentials_path=str(key))
    looks = 0

    def tell(found: Mapping[str, ProviderCheck | None]) -> None:
        nonlocal looks
        looks += 1
        told.update(found)

    running = asyncio.create_task(ProviderChecker(lambda: wanted, tell, lambda: NOON).run())

    async def until(holds: Any) -> None:
        async with asyncio.timeout(60):
            while not holds():
                await asyncio.sleep(0.01)

    try:
        await until(lambda: len(told) == 3 and all(one and one.ok is False for one in told.values()))
        provider.status = 200
        key.write_text("sk-right")
        await until(lambda: all(one and one.ok is True for one in told.values()))
        asked, looked = len(provider.asked), looks
        await until(lambda: looks > looked + 10)
        assert len(provider.asked) == asked == 6
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
