"""What is beyond a budget, by whichever gateway's count; and who is then refused."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from usage_world import PRICES, Here, call, keeping, view
from voiceagent_api.prices import ModelPrice, Prices
from voiceagent_api.running import Budget
from voiceagent_api.status import Usage
from voiceagent_gateway.discovery import agent_from_object
from voiceagent_gateway.usage.budget import combined, is_exceeded, is_news, seconds_to_next_day, usage_of
from voiceagent_gateway.usage.tally import Line, Quantities

amounts = st.integers(0, 5)
counts = st.builds(lambda a, b, c: Quantities(a * 10**6, b * 10**6, 0, 0, c * 60_000), amounts, amounts, amounts)


def usage(quantities: Quantities, prices: Prices = PRICES) -> Usage:
    llm = replace(quantities, stt_milliseconds=0)
    lines = [
        (Line("2026-05-04", "default", "a", "openai", "gpt-5"), llm),
        (
            Line("2026-05-04", "default", "a", "deepgram", "nova-3"),
            replace(Quantities(), stt_milliseconds=quantities.stt_milliseconds),
        ),
    ]
    return usage_of("2026-05-04", lines, prices)


@given(ways=st.lists(st.tuples(counts, counts), min_size=1, max_size=4), first=st.booleans())
def test_gateways_that_each_saw_a_part_agree_in_the_end_on_the_highest(
    ways: list[tuple[Quantities, Quantities]], first: bool
) -> None:
    seen = [Quantities(), Quantities()]
    told: Usage | None = None
    for way in ways:
        seen = [old.greater(new) for old, new in zip(seen, way, strict=True)]
    own = [usage(it) for it in (seen if first else reversed(seen))]
    for _ in range(3):
        for one in own:
            wanted = combined(one, told)
            told = wanted if is_news(wanted, told) else told
    assert told is not None
    assert not any(is_news(combined(one, told), told) for one in own), "they would write for ever"
    most = seen[0].greater(seen[1])
    assert told.llm_prompt_tokens == most.prompt_tokens
    assert Decimal(told.cost or 0) >= max(Decimal(one.cost or 0) for one in own)


def test_a_corrected_price_counts_at_once_and_the_day_before_never_comes_back() -> None:
    it = Quantities(prompt_tokens=10**6)
    dear = Prices(currency="EUR", models={"openai": ModelPrice(input_per_million_tokens="200")})
    assert combined(usage(it), usage(it, dear)).cost == "2.00"
    assert is_news(usage(it), usage(it, dear))
    tomorrow = usage(it).model_copy(update={"day": "2026-05-05"})
    assert not is_news(usage(it), tomorrow)
    assert combined(tomorrow, usage(it, dear)) == tomorrow


def test_a_budget_is_exceeded_by_the_least_more_and_by_nothing_unknown() -> None:
    five = Budget(per_day="5.00")
    assert not is_exceeded(five, Usage(cost="5.00"))
    assert is_exceeded(five, Usage(cost="5.000001"))
    assert not is_exceeded(five, Usage(unpriced=["llm.a/b"]))
    assert not is_exceeded(None, Usage(cost="5000.00"))


@pytest.mark.parametrize(
    ("now", "seconds"),
    [("2026-05-04T00:00:00Z", 86400), ("2026-05-04T23:59:59.5Z", 1), ("2026-05-04T23:59:00+02:00", 7260)],
)
def test_the_next_day_begins_in_utc(now: str, seconds: int) -> None:
    assert seconds_to_next_day(datetime.fromisoformat(now)) == seconds


def test_discovery_reads_the_budget_and_what_was_told() -> None:
    body = {
        "metadata": {"namespace": "default", "name": "a"},
        "spec": {"budget": {"perDay": "5.00", "onExceeded": "Refuse"}},
        "status": {"usage": {"day": "2026-05-04", "cost": "1.00", "llmPromptTokens": 3}},
    }
    agent = agent_from_object(body)
    assert agent is not None
    assert agent.budget == Budget(per_day="5.00", on_exceeded="Refuse")
    assert agent.usage is not None
    assert (agent.usage.cost, agent.usage.llm_prompt_tokens) == ("1.00", 3)


@pytest.fixture
async def spent(world: Any, now: datetime) -> AsyncIterator[Any]:
    """An agent beyond its budget, of which a call runs."""
    told = Usage(day="2026-05-04", cost="5.01", currency="EUR", llm_prompt_tokens=2_505_000)
    world.agents = [replace(world.agents[0], budget=Budget(per_day="5.00", on_exceeded="Refuse"), usage=told)]
    world.views = [view(call(room="lobby"))]
    async with keeping(Here(now=now)) as keeper:
        world.beyond_budget = keeper.refusal
        yield world


async def test_beyond_its_budget_an_agent_takes_no_new_callers_and_says_until_when(
    spent: Any, ask: httpx.AsyncClient
) -> None:
    answer = await ask.get("/token?room=other")
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith("problem/budget-exceeded")
    assert "spec.budget.perDay" in answer.json()["detail"]
    assert "5.0" not in answer.text, "what an agent costs is not the callers' to know"
    assert int(answer.headers["retry-after"]) == 41_385
    assert (await ask.post("/token", json={})).status_code == 429


async def test_a_call_that_runs_may_be_joined_again_beyond_the_budget(spent: Any, ask: httpx.AsyncClient) -> None:
    assert (await ask.get("/token?room=lobby")).status_code == 200


async def test_a_raised_budget_or_warn_lets_callers_in_at_once(spent: Any, ask: httpx.AsyncClient) -> None:
    was = spent.agents[0]
    for budget in (Budget(per_day="6.00", on_exceeded="Refuse"), Budget(per_day="5.00", on_exceeded="Warn"), None):
        spent.agents = [replace(was, budget=budget)]
        assert (await ask.get("/token")).status_code == 200


async def test_who_waits_in_line_is_told_when_the_budget_is_used_up(spent: Any, ask: httpx.AsyncClient) -> None:
    was = spent.agents[0]
    spent.agents = [replace(was, usage=None, by_sessions=True, most_pods=5)]
    spent.views = [view(call(room="lobby"))]
    spent.views[0].status.__dict__["session_capacity"] = 1
    spent.wait_seconds = 30.0
    waiting = asyncio.create_task(ask.get("/token?room=other"))
    async with asyncio.timeout(60):
        while not spent.demand:
            await asyncio.sleep(0.01)
    spent.agents = [replace(was, by_sessions=True, most_pods=5)]
    answer = await waiting
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]) == (429, "budget-exceeded")
