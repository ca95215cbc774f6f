"""Places that are promised, by one gateway's memory."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_gateway.redis_reservations import SharedReservations
from voiceagent_gateway.reservations import (
    SEEN_GRACE_SECONDS,
    Answer,
    Claim,
    MemoryReservations,
    Outcome,
    ReservationsError,
)

AGENT = "default/receptionist"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def claim(
    room: str, free: int | None = 1, running: Sequence[str] = (), joined: Sequence[str] = (), hold: float = 60
) -> Claim:
    return Claim(room, hold, free, frozenset(running), frozenset(joined))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> MemoryReservations:
    return MemoryReservations(clock)


async def test_the_last_place_is_promised_once(memory: MemoryReservations) -> None:
    assert await memory.take(AGENT, claim("one")) == Answer(Outcome.NEW, 1)
    assert await memory.take(AGENT, claim("two")) == Answer(Outcome.FULL, 1)
    assert (await memory.take("default/other", claim("two"))).outcome is Outcome.NEW


async def test_a_second_token_for_a_room_needs_no_second_place(memory: MemoryReservations) -> None:
    await memory.take(AGENT, claim("one"))

    assert (await memory.take(AGENT, claim("one"))).outcome is Outcome.HELD
    assert (await memory.take(AGENT, claim("talk", free=0, running=["talk"]))).outcome is Outcome.HELD
    assert await memory.held(AGENT) == {"one": (await memory.held(AGENT))["one"]}


async def test_a_promise_ends_with_its_token(memory: MemoryReservations, clock: Clock) -> None:
    await memory.take(AGENT, claim("one", hold=60))
    clock.pass_(59)
    assert (await memory.take(AGENT, claim("two"))).outcome is Outcome.FULL

    clock.pass_(1)
    assert (await memory.take(AGENT, claim("two"))).outcome is Outcome.NEW


async def test_a_call_that_is_seen_takes_its_own_place_and_no_second_one(memory: MemoryReservations) -> None:
    await memory.take(AGENT, claim("one", free=2))

    # The pod now has the call: one place fewer is free, and the promise is not counted beside it.
    assert await memory.take(AGENT, claim("two", free=1, running=["one"], joined=["one"])) == Answer(Outcome.NEW, 1)


async def test_a_promise_whose_call_was_seen_and_ended_is_over_after_a_grace(
    memory: MemoryReservations, clock: Clock
) -> None:
    await memory.take(AGENT, claim("one"))
    assert (await memory.take(AGENT, claim("two", joined=["one"]))).outcome is Outcome.FULL

    clock.pass_(SEEN_GRACE_SECONDS)
    assert (await memory.take(AGENT, claim("two"))).outcome is Outcome.NEW


async def test_a_second_token_before_the_call_does_not_hide_the_call(memory: MemoryReservations, clock: Clock) -> None:
    await memory.take(AGENT, claim("one"))
    first = (await memory.held(AGENT))["one"]
    clock.pass_(5)

    await memory.take(AGENT, claim("one"))
    assert (await memory.held(AGENT))["one"] == first

    await memory.take(AGENT, claim("one", joined=["one"]))
    assert (await memory.held(AGENT))["one"] == clock.now


async def test_what_is_given_back_is_free_again(memory: MemoryReservations) -> None:
    await memory.take(AGENT, claim("one"))
    await memory.release(AGENT, "one")

    assert (await memory.take(AGENT, claim("two"))).outcome is Outcome.NEW


@given(
    capacity=st.integers(0, 6),
    steps=st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["ask", "join", "end", "wait"]))),
)
def test_calls_and_promises_are_never_more_than_places(capacity: int, steps: list[tuple[str, str]]) -> None:
    async def play() -> None:
        clock = Clock()
        memory = MemoryReservations(clock)
        promised: dict[str, datetime] = {}
        running: set[str] = set()
        for room, step in steps:
            if step == "ask":
                joined = [held for held in await memory.held(AGENT) if held in running]
                wish = claim(room, capacity - len(running), sorted(running), joined)
                if (await memory.take(AGENT, wish)).outcome is not Outcome.FULL:
                    promised[room] = clock.now + timedelta(seconds=60)
            elif step == "join" and promised.get(room, clock.now) > clock.now:
                running.add(room)
                del promised[room]
            elif step == "end":
                running.discard(room)
            else:
                clock.pass_(10)
            waiting = {room for room, until in promised.items() if until > clock.now} - running
            assert len(running) + len(waiting) <= capacity

    asyncio.run(play())


class Away:
    """A Redis that does not answer."""

    async def held(self, agent: str, rooms: object = None) -> dict[str, datetime]:
        raise ReservationsError("away")

    async def take(self, agent: str, claim: Claim) -> Answer:
        raise ReservationsError("away")

    async def release(self, agent: str, room: str) -> None:
        raise ReservationsError("away")


async def test_while_redis_is_away_a_gateway_counts_its_own_promises(
    memory: MemoryReservations, caplog: pytest.LogCaptureFixture
) -> None:
    shared = SharedReservations(Away(), memory)

    assert await shared.held(AGENT) == {}
    assert (await shared.take(AGENT, claim("one"))).outcome is Outcome.NEW
    assert (await shared.take(AGENT, claim("two"))).outcome is Outcome.FULL
    assert len([record for record in caplog.records if "Redis cannot be used" in record.message]) == 1


async def test_what_redis_holds_is_known_to_the_gateway_when_redis_goes_away(memory: MemoryReservations) -> None:
    clock = Clock()
    shared = SharedReservations(MemoryReservations(clock), memory)
    await shared.take(AGENT, claim("one"))

    assert (await memory.take(AGENT, claim("two"))).outcome is Outcome.FULL


async def test_what_is_held_can_be_asked_for_some_rooms_only(memory: MemoryReservations) -> None:
    for room in ("one", "two"):
        await memory.take(AGENT, claim(room, free=None))

    assert set(await memory.held(AGENT, ["two", "three"])) == {"two"}
    assert await memory.held(AGENT, []) == {}
    assert set(await memory.held(AGENT)) == {"one", "two"}


async def test_a_promise_that_a_later_token_prolonged_is_not_over_at_its_first_end(
    memory: MemoryReservations, clock: Clock
) -> None:
    await memory.take(AGENT, claim("one", hold=60))
    clock.pass_(30)
    await memory.take(AGENT, claim("one", hold=60))
    clock.pass_(40)
    assert set(await memory.held(AGENT)) == {"one"}

    clock.pass_(20)
    assert await memory.held(AGENT) == {}
