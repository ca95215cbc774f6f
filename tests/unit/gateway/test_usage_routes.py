"""What owners and scrapers are told of usage, and what nobody is."""

import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text
from usage_world import MEGABYTE, NOON, POD, PRICES, Here, call, keeping, view
from voiceagent_api.gateway_settings import AuthSettings, GatewaySettings
from voiceagent_api.install import InstallConfig, LiveKitDefaults
from voiceagent_api.worker_status import ModelUsage, WorkerStatus
from voiceagent_gateway.api_keys import entry_text, hash_of, new_key, parse_entry
from voiceagent_gateway.app import create_app
from voiceagent_gateway.callers import KnownCallers
from voiceagent_gateway.database import FILE_NAME, open_database
from voiceagent_gateway.gate import Gate
from voiceagent_gateway.history import schema as history
from voiceagent_gateway.history.prune import retention
from voiceagent_gateway.history.recorder import Recorder
from voiceagent_gateway.key_ring import KeyRing
from voiceagent_gateway.merge import merge
from voiceagent_gateway.model import PodView
from voiceagent_gateway.prometheus_text import GatewayCounters
from voiceagent_gateway.routes import usage as usage_route
from voiceagent_gateway.settings import Settings
from voiceagent_gateway.usage.families import UsageFamilies

LABELS = ("namespace", "agent", "provider", "model", "type", "kind", "currency")
SECRET_WORDS = "my card number is 4111"


@asynccontextmanager
async def answering(world: Any, here: Here, folder: Path, **gateway: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway that counts, kept in a folder."""
    async with keeping(here, folder) as keeper:
        await keeper.look()
        counters = GatewayCounters()
        counters.registry.register(UsageFamilies(keeper))
        install = InstallConfig(
            livekit=LiveKitDefaults(url="ws://livekit:7880"), prices=PRICES, gateway=GatewaySettings(**gateway)
        )
        deps = replace(world.app(), usage=keeper, counters=counters, clock=lambda: here.now)
        transport = httpx.ASGITransport(create_app(Settings(install=install), deps))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            yield client


@pytest.fixture
def two_agents() -> Here:
    unknown = ModelUsage(provider="acme", model="=talker", llm_prompt_tokens=7)
    sales = replace(POD, uid="u2", agent="sales", name="sales-a")
    return Here(views=[view(call(prompt=1_000_000, stt=90.0)), view(call(models=[unknown]), pod=sales)])


async def test_usage_is_told_by_day_agent_provider_and_model(world: Any, two_agents: Here, tmp_path: Path) -> None:
    async with answering(world, two_agents, tmp_path) as ask:
        answer = await ask.get("/usage")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json() == {
            "from": "2026-04-28",
            "to": "2026-05-04",
            "currency": "EUR",
            "cost": "2.90",
            "unpriced": ["llm.acme/=talker"],
            "lines": [
                line("default/receptionist", "deepgram", "nova-3", stt_audio_minutes=1.5, cost="0.90"),
                line("default/receptionist", "openai", "gpt-5", prompt_tokens=1_000_000, cost="2.00"),
                line("default/sales", "acme", "=talker", prompt_tokens=7, cost=None, unpriced=["llm.acme/=talker"]),
            ],
            "timestamp": "2026-05-04T12:00:00.000Z",
        }
        one = (await ask.get("/usage?agent=default/sales&from=2026-05-04&to=2026-05-04")).json()
        assert [it["agent"] for it in one["lines"]] == ["default/sales"]
        assert one["cost"] is None
        assert (await ask.get("/usage?to=2026-05-03")).json()["lines"] == []


def line(agent: str, provider: str, model: str, **more: Any) -> dict[str, Any]:
    numbers = {"prompt_tokens": 0, "completion_tokens": 0, "characters": 0}
    minutes = {"stt_audio_minutes": 0.0, "tts_audio_minutes": 0.0}
    named = {"day": "2026-05-04", "agent": agent, "provider": provider, "model": model}
    return {**named, **numbers, **minutes, "unpriced": [], **more}


async def test_usage_is_csv_for_a_spreadsheet_without_formulas(world: Any, two_agents: Here, tmp_path: Path) -> None:
    async with answering(world, two_agents, tmp_path) as ask:
        answer = await ask.get("/usage", headers={"Accept": "text/csv, application/json;q=0.5"})
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [(row["agent"], row["model"], row["cost"], row["currency"]) for row in rows] == [
            ("default/receptionist", "nova-3", "0.90", "EUR"),
            ("default/receptionist", "gpt-5", "2.00", "EUR"),
            ("default/sales", "'=talker", "", "EUR"),
        ]
        assert rows[2]["unpriced"] == "llm.acme/=talker"
        assert (await ask.get("/usage", headers={"Accept": "*/*"})).headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("from=yesterday", "from"),
        ("from=20260504", "from"),
        ("to=2026-02-30", "to"),
        ("from=1700000000", "from"),
        ("from=2026-05-04&to=2026-05-03", "from"),
        ("agent=receptionist", "agent"),
    ],
)
async def test_a_wrong_question_is_told_what_is_wrong(
    world: Any, two_agents: Here, tmp_path: Path, query: str, named: str
) -> None:
    async with answering(world, two_agents, tmp_path) as ask:
        answer = await ask.get(f"/usage?{query}")
        assert answer.status_code == 400
        assert [error["field"] for error in answer.json()["errors"]] == [named]


async def test_usage_is_for_those_who_may_read_metrics(ask: httpx.AsyncClient, world: Any, tmp_path: Path) -> None:
    assert (await ask.get("/usage")).json()["lines"] == []
    ring, keys = KeyRing(lambda: NOON), {name: new_key(name) for name in ("caller", "owner")}
    ring.replace(
        {
            name: parse_entry(name, entry_text(hash_of(key), ["*"], ["*"], name == "owner", None).encode())
            for name, key in keys.items()
        }
    )
    world.gate = Gate(KnownCallers(ring, None))
    async with answering(world, Here(), tmp_path, auth=AuthSettings(mode="apiKeys")) as guarded:
        codes = [
            (await guarded.get("/usage", headers={"Authorization": f"Bearer {key}"})).status_code
            for key in ("va_nobody_x", keys["caller"], keys["owner"])
        ]
    ring.close()
    assert codes == [401, 403, 200]


async def test_an_answer_too_long_is_refused_with_what_to_do(
    world: Any, two_agents: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_route, "LINES_MAX", 2)
    async with answering(world, two_agents, tmp_path) as ask:
        answer = await ask.get("/usage")
        assert answer.status_code == 400
        assert "ask for fewer days or one agent" in answer.json()["detail"]
        assert (await ask.get("/usage?agent=default/receptionist")).status_code == 200


async def test_a_scraper_gets_counters_and_todays_cost(world: Any, two_agents: Here, tmp_path: Path) -> None:
    async with answering(world, two_agents, tmp_path) as ask:
        text = (await ask.get("/metrics", headers={"Accept": "text/plain"})).text
    samples = {
        (sample.name, *(sample.labels[it] for it in LABELS if it in sample.labels)): sample.value
        for family in parse_text(text)
        for sample in family.samples
        if sample.name.startswith("voiceagent_usage")
    }
    receptionist = ("default", "receptionist")
    assert samples == {
        ("voiceagent_usage_tokens_total", *receptionist, "openai", "gpt-5", "prompt"): 1_000_000,
        ("voiceagent_usage_tokens_total", *receptionist, "openai", "gpt-5", "completion"): 0,
        ("voiceagent_usage_tokens_total", "default", "sales", "acme", "=talker", "prompt"): 7,
        ("voiceagent_usage_tokens_total", "default", "sales", "acme", "=talker", "completion"): 0,
        ("voiceagent_usage_audio_seconds_total", *receptionist, "deepgram", "nova-3", "stt"): 90,
        ("voiceagent_usage_cost_total", *receptionist, "deepgram", "nova-3", "EUR"): 0.9,
        ("voiceagent_usage_cost_total", *receptionist, "openai", "gpt-5", "EUR"): 2.0,
        ("voiceagent_usage_cost_today", *receptionist, "EUR"): 2.9,
    }


async def test_nobodys_words_are_kept_or_shown(world: Any, tmp_path: Path) -> None:
    """A worker of another version may send what this gateway never asked for."""
    turn = {"at": NOON.isoformat(), "e2eMilliseconds": 900.0, "transcript": SECRET_WORDS, "reply": SECRET_WORDS}
    record = call(prompt=1_000_000).model_dump(mode="json", by_alias=True)
    record |= {"turns": [turn], "transcript": [SECRET_WORDS]}
    record["models"][0] |= {"prompt": SECRET_WORDS}
    status = view().status
    assert status is not None
    read = WorkerStatus.model_validate(
        status.model_dump(mode="json", by_alias=True)
        | {"sessions": [record], "history": [{"text": SECRET_WORDS}]}
        | {"metrics": {"transcript": SECRET_WORDS}}
    )
    here = Here(views=[PodView(POD, read, NOON)])
    world.views = here.views
    async with open_database(tmp_path, history.SCHEMA, MEGABYTE) as database:
        recorder = Recorder(database, lambda: retention(168, []), lambda: NOON, lambda: True)
        await recorder.restore()
        await recorder.record(here.views, ())
    paths = (
        "/usage",
        "/metrics",
        "/metrics/simple",
        "/metrics/sessions",
        "/metrics/history",
        "/agents",
        "/openapi.json",
    )
    async with answering(world, here, tmp_path) as ask:
        for path in paths:
            for accept in ("application/json", "text/plain", "text/csv"):
                answer = await ask.get(path, headers={"Accept": accept})
                assert answer.status_code == 200
                assert "4111" not in answer.text
        kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert b"gpt-5" in kept
        assert b"lobby" in kept, "the call is in the history"
        assert b"4111" not in kept
    assert merge(here.views, (), NOON).active
    assert (tmp_path / FILE_NAME).exists()
