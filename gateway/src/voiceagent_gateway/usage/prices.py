"""What it costs, by the owner's price list. Pure, and exact: fractions inside, decimals outside, never floats."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from voiceagent_api.prices import ModelPrice, Prices

from voiceagent_gateway.usage.tally import Quantities

DECIMALS: Final = 6
"""Of a currency's unit; a line of usage is rounded to them, half to even, so that lines add up to their sum."""
DECIMALS_LEAST: Final = 2
MILLION: Final = 1_000_000
MINUTE_MILLISECONDS: Final = 60_000
TOKEN_KINDS: Final = ("llm", "realtime")


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount, and what it is without."""

    amount: Decimal = Decimal(0)
    unpriced: tuple[str, ...] = ()
    """What was used and has no price, as KIND.PROVIDER/MODEL: the most exact key that the list may have."""

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.amount + other.amount, tuple(sorted({*self.unpriced, *other.unpriced})))


def cost_of(provider: str, model: str, used: Quantities, prices: Prices) -> Cost:
    """What one model's use costs."""
    parts = list(_parts(provider, model, used, prices))
    known = sum((part for part in parts if isinstance(part, Fraction)), Fraction(0))
    unpriced = sorted({part for part in parts if isinstance(part, str)})
    return Cost(Decimal(round(known * 10**DECIMALS)).scaleb(-DECIMALS), tuple(unpriced))


def total_cost(costs: Iterable[Cost]) -> Cost:
    """Their sum."""
    return sum(costs, Cost())


def money(amount: Decimal) -> str:
    """An amount as text: at least two decimals, and no more than it has."""
    whole, _, decimals = f"{amount:.{DECIMALS}f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(DECIMALS_LEAST, '0')}"


def _parts(provider: str, model: str, used: Quantities, prices: Prices) -> Iterator[Fraction | str]:
    """What each kind of use costs; where there is no price, the model's name."""

    def price(kinds: Iterable[str], *fields: str) -> tuple[str, Fraction] | None:
        """That of the most exact key which has one of the fields."""
        for entry in _entries(provider, model, kinds, prices):
            for field in fields:
                if (told := getattr(entry, field)) is not None:
                    return field, Fraction(told)
        return None

    for amount, field in (
        (used.prompt_tokens, "input_per_million_tokens"),
        (used.completion_tokens, "output_per_million_tokens"),
    ):
        if amount:
            found = price(TOKEN_KINDS, field)
            yield f"llm.{provider}/{model}" if found is None else found[1] * amount / MILLION
    if used.stt_milliseconds:
        found = price(("stt",), "per_audio_minute")
        yield f"stt.{provider}/{model}" if found is None else found[1] * used.stt_milliseconds / MINUTE_MILLISECONDS
    if used.characters or used.tts_milliseconds:
        found = price(("tts",), "per_million_characters", "per_audio_minute")
        if found is None:
            yield f"tts.{provider}/{model}"
        elif found[0] == "per_million_characters":
            yield found[1] * used.characters / MILLION
        else:
            yield found[1] * used.tts_milliseconds / MINUTE_MILLISECONDS


def _entries(provider: str, model: str, kinds: Iterable[str], prices: Prices) -> Iterator[ModelPrice]:
    """What the list says of a model, the most exact first."""
    kinds = tuple(kinds)
    full = f"{provider}/{model}"
    keys = (*(f"{kind}.{full}" for kind in kinds), full, *(f"{kind}.{provider}" for kind in kinds), provider)
    for key in keys:
        if (entry := prices.models.get(key)) is not None:
            yield entry
