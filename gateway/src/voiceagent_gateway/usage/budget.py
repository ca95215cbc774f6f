"""What an agent used on a day as the operator is told of it, and whether that is beyond its budget. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from voiceagent_api.prices import Prices
from voiceagent_api.running import Budget
from voiceagent_api.status import Usage

from voiceagent_gateway.model import AgentRef, as_utc
from voiceagent_gateway.problems import ProblemError
from voiceagent_gateway.usage.prices import cost_of, money, total_cost
from voiceagent_gateway.usage.tally import Line, Quantities, total

UNPRICED_SHOWN_MAX: Final = 20
_AMOUNTS: Final = (
    "llm_prompt_tokens",
    "llm_completion_tokens",
    "tts_characters",
    "tts_audio_seconds",
    "stt_audio_seconds",
)


def usage_of(day: str, lines: Iterable[tuple[Line, Quantities]], prices: Prices) -> Usage:
    """What an agent used on a day, by its lines of that day."""
    lines = tuple(lines)
    used = total(quantities for _, quantities in lines)
    cost = total_cost((cost_of(line.provider, line.model, quantities, prices) for line, quantities in lines))
    return Usage(
        day=day,
        cost=None if cost.unpriced and not cost.amount else money(cost.amount),
        currency=prices.currency,
        unpriced=list(cost.unpriced[:UNPRICED_SHOWN_MAX]) or None,
        llm_prompt_tokens=used.prompt_tokens,
        llm_completion_tokens=used.completion_tokens,
        tts_characters=used.characters,
        tts_audio_seconds=used.tts_milliseconds // 1000,
        stt_audio_seconds=used.stt_milliseconds // 1000,
    )


def combined(own: Usage, told: Usage | None) -> Usage:
    """The truth of what this gateway counted and what the status says, by whichever gateway.

    Where the status has more of anything, this gateway has not seen all: then the greater of each is the truth. Else
    its own count is, at its own prices.
    """
    if told is None or told.day != own.day or told.day is None:
        return own
    if all(getattr(own, name) >= getattr(told, name) for name in _AMOUNTS):
        return own
    amounts = {name: max(getattr(own, name), getattr(told, name)) for name in _AMOUNTS}
    cost = _amount(own)
    if told.currency == own.currency:
        cost = max(cost, _amount(told))
    unpriced = sorted({*(own.unpriced or ()), *(told.unpriced or ())})[:UNPRICED_SHOWN_MAX]
    update = {**amounts, "unpriced": unpriced or None, "cost": money(cost) if cost or not unpriced else None}
    return own.model_copy(update=update)


def is_news(wanted: Usage, told: Usage | None) -> bool:
    """Whether the status is to be written; never with a day before the one that it has."""
    if told is None or told.day is None:
        return True
    if wanted.day is None or wanted.day < told.day:
        return False
    return wanted.model_copy(update={"observed_time": told.observed_time}) != told


def is_exceeded(budget: Budget | None, usage: Usage) -> bool:
    """Whether the known cost is more than the budget allows."""
    return budget is not None and _amount(usage) > Decimal(budget.per_day)


def refusal_beyond_budget(agent: AgentRef, usage: Usage, now: datetime) -> ProblemError | None:
    """Why there are no more calls today; None where there are. The amounts are nothing for callers to know."""
    if agent.budget is None or agent.budget.on_exceeded != "Refuse" or not is_exceeded(agent.budget, usage):
        return None
    detail = (
        f"VoiceAgent {agent.reference} has used up its budget of today and takes new calls again at 00:00 UTC. "
        "Its owner can raise spec.budget.perDay, or set spec.budget.onExceeded to Warn, to take calls now."
    )
    return ProblemError(
        429,
        "budget-exceeded",
        "The budget of today is used up",
        detail,
        retry_after_seconds=seconds_to_next_day(now),
    )


def seconds_to_next_day(now: datetime) -> int:
    """Until the next day begins in UTC: from 1 to 86,400."""
    now = as_utc(now)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return max(1, -((now - midnight) // timedelta(seconds=1)))


def _amount(usage: Usage) -> Decimal:
    return Decimal(usage.cost or "0")
