"""What the operator is told of waiting callers, and how often."""

import asyncio
from datetime import UTC, datetime

from voiceagent_gateway.demand import Demand
from voiceagent_gateway.kube import KubeError

AGENT = "default/receptionist"
PAUSE_SECONDS = 0.05


class Told:
    """Remembers what it is told, at which time of the loop."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self.times: list[float] = []
        self.error: KubeError | None = None

    def demand(self) -> Demand:
        return Demand(self.write, lambda: datetime.now(UTC), pause_seconds=PAUSE_SECONDS)

    async def write(self, agent: str, number: int, asked_at: datetime) -> None:
        self.times.append(asyncio.get_running_loop().time())
        if self.error is not None:
            raise self.error
        self.told.append((agent, number))

    async def until(self, *told: tuple[str, int]) -> None:
        async with asyncio.timeout(60):
            while self.told != list(told):
                await asyncio.sleep(0.01)


async def test_the_first_caller_is_told_of_at_once_and_the_end_when_nobody_waits() -> None:
    told = Told()
    demand = told.demand()
    demand.wait(AGENT, 1)
    await told.until((AGENT, 1))

    demand.wait(AGENT, 0)
    await told.until((AGENT, 1), (AGENT, 0))


async def test_many_changes_become_few_writes_by_one_writer() -> None:
    told = Told()
    demand = told.demand()
    demand.wait(AGENT, 1)
    await told.until((AGENT, 1))
    for number in range(2, 50):
        demand.wait(AGENT, number)
    await told.until((AGENT, 1), (AGENT, 49))

    gaps = [later - earlier for earlier, later in zip(told.times, told.times[1:], strict=False)]
    assert min(gaps) >= PAUSE_SECONDS * 0.9
    await demand.close()
    assert told.told[-1] == (AGENT, 0)


async def test_a_number_that_stays_is_not_written_over_and_over() -> None:
    told = Told()
    demand = told.demand()
    demand.wait(AGENT, 2)
    for _ in range(5):
        await asyncio.sleep(PAUSE_SECONDS)
        demand.wait(AGENT, 2)

    assert told.told == [(AGENT, 2)]
    await demand.close()


async def test_agents_have_writers_of_their_own() -> None:
    told = Told()
    demand = told.demand()
    demand.wait(AGENT, 1)
    demand.wait("default/sales", 1)
    await told.until((AGENT, 1), ("default/sales", 1))
    await demand.close()


async def test_that_nobody_waits_is_not_told_where_nobody_ever_did() -> None:
    told = Told()
    demand = told.demand()
    demand.wait(AGENT, 0)
    await asyncio.sleep(PAUSE_SECONDS)

    assert told.times == []


async def test_an_api_server_that_refuses_is_asked_again_and_one_without_the_agent_is_not() -> None:
    told = Told()
    demand = told.demand()
    told.error = KubeError(500, "it is ill")
    demand.wait(AGENT, 1)
    async with asyncio.timeout(60):
        while len(told.times) < 2:
            await asyncio.sleep(0.01)
    told.error = None
    await told.until((AGENT, 1))
    await demand.close()

    told.error = KubeError(404, "it is gone")
    asked = len(told.times)
    demand.wait(AGENT, 1)
    await asyncio.sleep(PAUSE_SECONDS * 4)
    assert len(told.times) == asked + 1


async def test_callers_at_other_gateways_are_told_of_too() -> None:
    async def two_more(_: str, number: int) -> int:
        return number + 2

    told = Told()
    demand = Demand(told.write, lambda: datetime.now(UTC), two_more, pause_seconds=PAUSE_SECONDS)
    demand.wait(AGENT, 1)
    await told.until((AGENT, 3))
    demand.wait(AGENT, 1, promised=4)
    await told.until((AGENT, 3), (AGENT, 7))
    demand.wait(AGENT, 0)
    await told.until((AGENT, 3), (AGENT, 7), (AGENT, 2))
