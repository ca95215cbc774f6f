"""Usage is counted exactly once, whatever pods tell and however often; and costs what its parts cost."""

import sqlite3
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from voiceagent_api.prices import ModelPrice, Prices
from voiceagent_api.worker_status import ModelUsage, SessionRecord
from voiceagent_gateway.model import PodRef
from voiceagent_gateway.usage import store
from voiceagent_gateway.usage.prices import cost_of, money, total_cost
from voiceagent_gateway.usage.tally import (
    AMOUNT_MAX,
    NOTHING,
    UNSEEN_FOR,
    Line,
    Quantities,
    Tally,
    day_of,
    quantities_of,
    total,
)

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
POD = PodRef("u1", "default", "receptionist-a", "receptionist")
MODELS = (("openai", "gpt-5"), ("deepgram", "nova-3"))


def used(prompt: int = 0, completion: int = 0, characters: int = 0, tts: float = 0.0, stt: float = 0.0) -> ModelUsage:
    return ModelUsage(
        provider="openai",
        model="gpt-5",
        llm_prompt_tokens=prompt,
        llm_completion_tokens=completion,
        tts_characters=characters,
        tts_audio_seconds=tts,
        stt_audio_seconds=stt,
    )


def call(*models: ModelUsage, name: str = "s1", ended: datetime | None = None) -> SessionRecord:
    return SessionRecord(
        id=name,
        room="r",
        started_at=NOON - timedelta(hours=1),
        ended_at=ended,
        config_revision="c",
        outcome="active" if ended is None else "completed",
        models=list(models),
    )


def restarted(database: sqlite3.Connection, tally: Tally, now: datetime) -> Tally:
    """A tally that knows what was kept, and no more."""
    store.write(database, tally.changes(), "0000")
    return crashed(database, now)


def crashed(database: sqlite3.Connection, now: datetime) -> Tally:
    """A tally that knows what was kept before its last changes."""
    return Tally(dict(store.read_lines(database, "0000", "9999")), store.read_counted(database), now)


def database() -> sqlite3.Connection:
    made = sqlite3.connect(":memory:")
    for statement in store.SCHEMA:
        made.execute(statement)
    return made


amounts = st.lists(st.integers(0, 10_000), min_size=1, max_size=6).map(sorted)


@st.composite
def tellings(draw: st.DrawFn) -> list[tuple[PodRef, SessionRecord]]:
    """What pods told: totals that grow, each read any number of times, in any order."""
    told: list[tuple[PodRef, SessionRecord]] = []
    for number in range(draw(st.integers(1, 3))):
        pod = replace(POD, uid=f"u{number}", agent=draw(st.sampled_from(["a", "b"])))
        for session in ("s1", "s2")[: draw(st.integers(1, 2))]:
            for provider, model in MODELS:
                for tokens in draw(amounts):
                    usage = ModelUsage(
                        provider=provider,
                        model=model,
                        llm_prompt_tokens=tokens,
                        llm_completion_tokens=tokens // 3,
                        tts_characters=tokens * 2,
                        tts_audio_seconds=tokens / 7,
                        stt_audio_seconds=tokens / 3,
                    )
                    told.append((pod, call(usage, name=session)))
    again = draw(st.lists(st.sampled_from(told), max_size=6))
    return list(draw(st.permutations([*told, *again])))


def greatest(told: list[tuple[PodRef, SessionRecord]]) -> dict[tuple[str, str, str], Quantities]:
    """The sum over calls of each model's greatest totals, by agent."""
    of_call: dict[tuple[str, str, str, str, str], Quantities] = {}
    for pod, record in told:
        for usage in record.models:
            key = (pod.uid, record.id, pod.agent, usage.provider, usage.model)
            of_call[key] = of_call.get(key, NOTHING).greater(quantities_of(usage))
    found: dict[tuple[str, str, str], Quantities] = {}
    for (_, _, agent, provider, model), quantities in of_call.items():
        found[agent, provider, model] = found.get((agent, provider, model), NOTHING) + quantities
    return {key: quantities for key, quantities in found.items() if quantities != NOTHING}


@given(told=tellings(), data=st.data())
def test_each_bit_is_counted_once_in_whatever_order_it_is_read_and_through_restarts(
    told: list[tuple[PodRef, SessionRecord]], data: st.DataObject
) -> None:
    kept, now = database(), NOON
    tally = Tally({}, {}, now)
    for index, (pod, record) in enumerate(told):
        match data.draw(st.integers(0, 9)):
            case 0:
                tally = restarted(kept, tally, now)
            case 1:
                tally.put_back(tally.changes())  # the disk was full
            case 2:
                now += timedelta(hours=9)
            case 3:
                tally = crashed(kept, now)
                for again in told[:index]:  # pods still tell of their calls
                    tally.count(*again, now)
            case _:
                pass
        tally.count(pod, record, now)
        tally.forget(now)
    restarted(kept, tally, now)

    found: dict[tuple[str, str, str], Quantities] = {}
    for line, quantities in store.read_lines(kept, "0000", "9999"):
        key = (line.agent, line.provider, line.model)
        found[key] = found.get(key, NOTHING) + quantities
    if now - NOON < UNSEEN_FOR:
        assert found == greatest(told)
    else:
        # Calls that no pod told of for hours are forgotten, and count anew if one does.
        assert all(found[key].greater(least) == found[key] for key, least in greatest(told).items())


def test_a_pod_that_is_there_keeps_its_calls_counted_however_long_it_is_silent() -> None:
    tally = Tally({}, {}, NOON)
    tally.count(POD, call(used(prompt=5)), NOON)
    for hour in range(1, 30):
        tally.saw(POD.uid, NOON + timedelta(hours=hour))
        tally.forget(NOON + timedelta(hours=hour))
    assert tally.count(POD, call(used(prompt=6)), NOON + timedelta(hours=30)) == [
        (Line("2026-05-05", "default", "receptionist", "openai", "gpt-5"), Quantities(prompt_tokens=1))
    ]


def test_a_call_over_midnight_is_counted_on_both_days() -> None:
    tally = Tally({}, {}, NOON)
    before, after = NOON.replace(hour=23, minute=59, second=58), NOON.replace(day=5, hour=0, second=3)
    tally.count(POD, call(used(prompt=100)), before)
    tally.count(POD, call(used(prompt=130)), after)
    tally.count(POD, call(used(prompt=130)), after)
    assert {line.day: it.prompt_tokens for line, it in tally.lines.items()} == {"2026-05-04": 100, "2026-05-05": 30}


def test_a_call_that_ended_yesterday_is_counted_there_when_it_is_read_today() -> None:
    tally = Tally({}, {}, NOON)
    ended = NOON.replace(hour=23, minute=50)
    tally.count(POD, call(used(prompt=100), ended=ended), NOON.replace(day=5, hour=0, minute=10))
    assert [line.day for line in tally.lines] == ["2026-05-04"]


def test_a_pods_clock_that_runs_ahead_counts_nothing_for_tomorrow() -> None:
    tally = Tally({}, {}, NOON)
    tally.count(POD, call(used(prompt=1), ended=NOON + timedelta(days=3)), NOON)
    tally.count(POD, call(used(prompt=1), name="s2", ended=NOON - timedelta(days=300)), NOON)
    assert sorted(line.day for line in tally.lines) == ["2026-05-03", "2026-05-04"]


def test_what_is_not_told_of_any_more_leaves_memory_and_disk() -> None:
    kept = database()
    tally = Tally({}, {}, NOON)
    tally.count(POD, call(used(prompt=1)), NOON)
    store.write(kept, tally.changes(), "0000")
    later = NOON + timedelta(days=2)
    tally.forget(later)
    store.write(kept, tally.changes(), "0000")
    assert store.read_counted(kept) == {}
    assert not tally.lines
    assert len(store.read_lines(kept, "0000", "9999")) == 1
    store.write(kept, tally.changes(), day_of(later))
    assert store.read_lines(kept, "0000", "9999") == []


@pytest.mark.parametrize("seconds", [1e30, float("inf")])
def test_numbers_beyond_belief_are_not_believed(seconds: float) -> None:
    told = ModelUsage(provider="p", model="m", llm_prompt_tokens=10**30, tts_audio_seconds=seconds)
    assert quantities_of(told) == Quantities(prompt_tokens=AMOUNT_MAX, tts_milliseconds=AMOUNT_MAX)


# -- what it costs ------------------------------------------------------------------------------------------------

quantities = st.builds(Quantities, *([st.integers(0, 10**9)] * 3), st.integers(0, 10**10), st.integers(0, 10**10))
prices = st.decimals(0, 10_000, places=6).map(lambda price: f"{price:f}")


@dataclass(frozen=True)
class Four:
    """A price of each kind."""

    read: str
    written: str
    characters: str
    minute: str

    def list(self) -> Prices:
        entry = ModelPrice(
            input_per_million_tokens=self.read,
            output_per_million_tokens=self.written,
            per_million_characters=self.characters,
            per_audio_minute=self.minute,
        )
        return Prices(models={"openai": entry})


@given(parts=st.lists(quantities, max_size=8), four=st.builds(Four, prices, prices, prices, prices))
def test_a_sum_costs_what_its_parts_cost_together(parts: list[Quantities], four: Four) -> None:
    naive = Fraction(0)
    for part in parts:
        naive += Fraction(part.prompt_tokens) * Fraction(four.read) / 1_000_000
        naive += Fraction(part.completion_tokens) * Fraction(four.written) / 1_000_000
        naive += Fraction(part.characters) * Fraction(four.characters) / 1_000_000
        naive += Fraction(part.stt_milliseconds) * Fraction(four.minute) / 60_000
    cost = cost_of("openai", "gpt-5", total(parts), four.list())
    assert cost.unpriced == ()
    assert cost.amount == Decimal(round(naive * 10**6)) / 10**6


@given(parts=st.lists(quantities, max_size=8), four=st.builds(Four, prices, prices, prices, prices))
def test_lines_add_up_to_their_sum(parts: list[Quantities], four: Four) -> None:
    costs = [cost_of("openai", "gpt-5", part, four.list()) for part in parts]
    naive = Decimal(0)
    for cost in costs:
        naive += Decimal(money(cost.amount))
    assert total_cost(costs).amount == naive


def test_the_most_exact_key_that_has_the_price_counts() -> None:
    said = Prices(
        models={
            "openai": ModelPrice(input_per_million_tokens="1", output_per_million_tokens="2", per_audio_minute="6"),
            "openai/gpt-5": ModelPrice(input_per_million_tokens="10"),
            "tts.openai": ModelPrice(per_million_characters="15"),
            "tts.openai/by-the-minute": ModelPrice(per_audio_minute="3"),
            "realtime.google": ModelPrice(input_per_million_tokens="4", output_per_million_tokens="4"),
        }
    )
    million, minute = 1_000_000, 60_000

    def amount(provider: str, model: str, it: Quantities) -> str:
        cost = cost_of(provider, model, it, said)
        assert cost.unpriced == ()
        return money(cost.amount)

    assert amount("openai", "gpt-5", Quantities(million, million)) == "12.00"
    assert amount("openai", "gpt-4o", Quantities(million, million)) == "3.00"
    assert amount("openai", "whisper-1", Quantities(stt_milliseconds=minute)) == "6.00"
    assert amount("openai", "tts-1", Quantities(characters=million, tts_milliseconds=minute)) == "15.00"
    assert amount("openai", "by-the-minute", Quantities(characters=million, tts_milliseconds=minute)) == "3.00"
    assert amount("google", "live", Quantities(million)) == "4.00"


def test_what_has_no_price_is_named_by_a_key_that_would_give_it_one() -> None:
    said = Prices(models={"openai/gpt-5": ModelPrice(input_per_million_tokens="1")})
    it = Quantities(1, 1, 1, 1, 1)
    cost = cost_of("openai", "gpt-5", it, said)
    assert cost.unpriced == ("llm.openai/gpt-5", "stt.openai/gpt-5", "tts.openai/gpt-5")
    keys = {key: ModelPrice(output_per_million_tokens="0", per_audio_minute="0") for key in cost.unpriced}
    assert cost_of("openai", "gpt-5", it, Prices(models={**said.models, **keys})).unpriced == ()
    assert cost_of("openai", "gpt-5", NOTHING, Prices()).unpriced == ()


@pytest.mark.parametrize("key", ["", "Open AI", "openai/", "openai/a b", "llm.", "vad.silero", "openai//"])
def test_a_key_that_names_nothing_is_refused(key: str) -> None:
    if key == "openai//":  # a model may be called anything
        Prices(models={key: ModelPrice()})
        return
    with pytest.raises(ValidationError, match="names no model"):
        Prices(models={key: ModelPrice()})


@pytest.mark.parametrize("price", ["1,5", "-1", "1e3", "", ".5", "NaN"])
def test_a_price_that_is_no_decimal_is_refused(price: str) -> None:
    with pytest.raises(ValidationError):
        ModelPrice(per_audio_minute=price)


def test_money_has_two_decimals_or_as_many_as_it_needs() -> None:
    texts = {"0": "0.00", "3.2": "3.20", "0.003412": "0.003412", "20.10": "20.10", "1000000": "1000000.00"}
    assert {text: money(Decimal(text)) for text in texts} == texts
