"""What the gateway keeps of usage, and what it tells the operator of it."""

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from usage_world import AGENT, MEGABYTE, NOON, POD, Here, call, keeping, view
from voiceagent_api.worker_status import ModelUsage
from voiceagent_gateway.database import open_database
from voiceagent_gateway.kube import KubeError
from voiceagent_gateway.model import PastSession
from voiceagent_gateway.test_metrics import make_sessions
from voiceagent_gateway.usage.keeper import UsageKeeper


async def cost_today(keeper: UsageKeeper) -> str | None:
    await keeper.look()
    return keeper.usage(AGENT).cost


async def test_what_a_restarted_gateway_reads_again_is_not_counted_again(tmp_path: Path) -> None:
    here = Here(views=[view(call(prompt=1_000_000))])
    async with keeping(here, tmp_path) as keeper:
        assert await cost_today(keeper) == "2.00"
    here.views = [view(call(prompt=1_500_000), call("s2", stt=60.0))]
    async with keeping(here, tmp_path) as keeper:
        assert await cost_today(keeper) == "3.60"
        assert await cost_today(keeper) == "3.60"
        here.views = []  # the pod vanished, and what it last told is remembered
        here.past = [PastSession(POD, call(prompt=2_000_000), NOON, "unknown")]
        assert await cost_today(keeper) == "4.60"
    async with keeping(here, tmp_path) as keeper:
        assert await cost_today(keeper) == "4.60"


async def test_a_disk_that_fails_loses_and_doubles_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    here = Here(views=[view(call(prompt=1_000_000))])
    async with keeping(here, tmp_path) as keeper:
        await keeper.look()
        async with open_database(tmp_path, (), MEGABYTE) as other:
            await other.run(lambda it: it.execute("ALTER TABLE usage_days RENAME TO away"))
            here.views = [view(call(prompt=2_000_000))]
            assert await cost_today(keeper) == "4.00"
            assert "usage cannot be kept" in caplog.text
            await other.run(lambda it: it.execute("ALTER TABLE away RENAME TO usage_days"))
        await keeper.look()
    async with keeping(here, tmp_path) as keeper:
        assert await cost_today(keeper) == "4.00"


async def test_a_new_day_begins_with_nothing_and_test_data_costs_nothing() -> None:
    here = Here(views=[view(call(prompt=1_000_000))], past=make_sessions(NOON, random.Random(1)))
    async with keeping(here) as keeper:
        assert await cost_today(keeper) == "2.00"
        here.now += timedelta(hours=12)
        assert keeper.today == {}
        assert keeper.usage(AGENT).day == "2026-05-05"
        here.views = [view(call(prompt=1_250_000))]
        assert await cost_today(keeper) == "0.50"
        lines = await keeper.lines("2026-05-04", "2026-05-05", None, 10)
        assert [(line.day, it.prompt_tokens) for line, it in lines] == [
            ("2026-05-04", 1_000_000),
            ("2026-05-05", 250_000),
        ]


async def test_an_agent_with_a_budget_is_told_of_at_once_then_when_something_is_new() -> None:
    here = Here()
    async with keeping(here) as keeper:
        teller = here.teller(keeper)
        await teller.tell()
        assert here.told == []  # what was counted before is not known yet
        await keeper.look()
        await teller.tell()
        await teller.tell()
        assert [(usage.day, usage.cost, usage.currency) for _, usage in here.told] == [("2026-05-04", "0.00", "EUR")]
        here.views = [view(call(prompt=1_000_000, stt=30.5))]
        await keeper.look()
        await teller.tell()
        await teller.tell()
        assert len(here.told) == 2
        usage = here.told[-1][1]
        assert (usage.cost, usage.llm_prompt_tokens, usage.stt_audio_seconds) == ("2.305", 1_000_000, 30)
        assert usage.observed_time == "2026-05-04T12:00:00.000Z"


async def test_the_operator_is_told_that_a_new_day_has_begun() -> None:
    here = Here(views=[view(call(prompt=3_000_000))])
    async with keeping(here) as keeper:
        teller = here.teller(keeper)
        await keeper.look()
        await teller.tell()
        here.now += timedelta(hours=12)
        await teller.tell()
        await keeper.look()
        await teller.tell()
        assert [(usage.day, usage.cost) for _, usage in here.told] == [("2026-05-04", "6.00"), ("2026-05-05", "0.00")]


async def test_it_is_told_no_more_often_than_the_pause_and_failures_are_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    here = Here(views=[view(call(prompt=1))])
    async with keeping(here) as keeper:
        await keeper.look()
        patient = here.teller(keeper, pause_seconds=3600)
        await patient.tell()
        here.views = [view(call(prompt=2))]
        await keeper.look()
        await patient.tell()
        assert len(here.told) == 1

        here.error = KubeError(403, "forbidden")
        hasty = here.teller(keeper)
        await hasty.tell()
        await hasty.tell()
        assert caplog.text.count("cannot be told of an agent's usage") == 1


async def test_without_a_budget_only_what_was_used_is_told() -> None:
    here = Here(agents=[replace(AGENT, budget=None)])
    async with keeping(here) as keeper:
        await keeper.look()
        await here.teller(keeper).tell()
        assert here.told == []
        here.views = [view(call(prompt=1_000_000))]
        await keeper.look()
        await here.teller(keeper).tell()
        assert [usage.cost for _, usage in here.told] == ["2.00"]


async def test_a_model_without_a_price_is_named_and_not_counted_as_free() -> None:
    unknown = ModelUsage(provider="acme", model="talker", llm_prompt_tokens=7, tts_characters=9)
    here = Here(views=[view(call(models=[unknown]))])
    async with keeping(here) as keeper:
        await keeper.look()
        usage = keeper.usage(AGENT)
        assert (usage.cost, usage.unpriced) == (None, ["llm.acme/talker", "tts.acme/talker"])
