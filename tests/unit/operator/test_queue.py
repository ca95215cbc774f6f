"""The work queue: no key is lost, none is worked on twice at once, and failures are spaced out."""

import asyncio
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from voiceagent_operator.errors import ApiError
from voiceagent_operator.queue import Backoff, Schedule, WorkQueue
from voiceagent_operator.workers import Workers

KEYS = st.sampled_from("abcd")


class ScheduleAgainstAModel(RuleBasedStateMachine):
    """The schedule beside the plainest thing that does the same: two dictionaries searched through."""

    def __init__(self) -> None:
        super().__init__()
        self.schedule: Schedule[str] = Schedule()
        self.due: dict[str, float] = {}
        self.running: set[str] = set()
        self.now = 0.0

    @rule(key=KEYS, delay=st.sampled_from([0.0, 1.0, 5.0]))
    def add(self, key: str, delay: float) -> None:
        due = self.now + delay
        self.schedule.add(key, due)
        self.due[key] = min(due, self.due.get(key, due))

    @rule(seconds=st.sampled_from([0.5, 1.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def take(self) -> None:
        ready = {key: due for key, due in self.due.items() if due <= self.now and key not in self.running}
        key = self.schedule.take(self.now)
        if key is None:
            assert not ready
        else:
            assert ready[key] == min(ready.values()), "who has been due the longest comes first"
            del self.due[key]
            self.running.add(key)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        self.schedule.finish(key)
        self.running.remove(key)

    @invariant()
    def no_key_is_lost_or_doubled(self) -> None:
        assert self.schedule.waiting == self.due.keys()
        assert self.schedule.running == self.running

    @invariant()
    def the_next_time_is_known(self) -> None:
        takeable = [due for key, due in self.due.items() if key not in self.running]
        assert self.schedule.next_due() == min(takeable, default=None)


TestSchedule = ScheduleAgainstAModel.TestCase
TestSchedule.settings = settings(deadline=None, max_examples=60, stateful_step_count=40)


def test_delays_double_up_to_a_longest_and_are_scattered() -> None:
    backoff = Backoff(first_seconds=1.0, longest_seconds=10.0)
    assert [backoff.delay_seconds(n, 1.0) for n in (1, 2, 3, 4, 5, 1000)] == [1, 2, 4, 8, 10, 10]
    assert backoff.delay_seconds(3, 0.0) == 2.0


def queue_and_workers(work, count: int = 4, deadline_seconds: float = 5.0, **more):  # type: ignore[no-untyped-def]
    clock = asyncio.get_running_loop().time
    queue: WorkQueue[str] = WorkQueue(clock, Backoff(first_seconds=0.01, longest_seconds=0.05))
    return queue, Workers(queue, work, count=count, deadline_seconds=deadline_seconds, clock=clock, **more)


async def run_until(workers: Workers[str], done: asyncio.Event) -> None:
    task = asyncio.create_task(workers.run())
    try:
        await asyncio.wait_for(done.wait(), 10)
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_many_events_for_a_key_are_one_piece_of_work() -> None:
    done, seen = asyncio.Event(), Counter[str]()

    async def work(key: str) -> None:
        seen[key] += 1
        if key == "last":
            done.set()

    queue, workers = queue_and_workers(work)
    for _ in range(100):
        queue.add("a")
    queue.add("last", 0.1)
    await run_until(workers, done)
    assert seen == {"a": 1, "last": 1}


async def test_an_event_during_the_work_brings_the_key_back_and_never_beside_itself() -> None:
    done, running, most = asyncio.Event(), Counter[str](), 0
    runs = 0

    async def work(key: str) -> None:
        nonlocal most, runs
        running[key] += 1
        most = max(most, running[key])
        runs += 1
        if runs < 5:
            queue.add(key)
        else:
            done.set()
        await asyncio.sleep(0.01)
        running[key] -= 1

    queue, workers = queue_and_workers(work)
    queue.add("a")
    await run_until(workers, done)
    assert (runs, most) == (5, 1)


async def test_a_failing_key_is_tried_again_and_does_not_hold_up_others(caplog: pytest.LogCaptureFixture) -> None:
    done, attempts, others = asyncio.Event(), Counter[str](), []

    async def work(key: str) -> None:
        attempts[key] += 1
        if key == "bad" and attempts[key] < 4:
            raise ApiError(503, "ServiceUnavailable", "busy") if attempts[key] < 3 else RuntimeError("a bug")
        if key == "bad":
            done.set()
        else:
            others.append(key)

    results = Counter[str]()
    queue, workers = queue_and_workers(work, count=1, note=lambda result, _: results.update([result]))
    for key in ("bad", "x", "y"):
        queue.add(key)
    await run_until(workers, done)
    assert others == ["x", "y"]
    assert results == {"retried": 3, "done": 3}
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "ERROR"]
    assert caplog.records[0].error == "503 ServiceUnavailable: busy"  # type: ignore[attr-defined]


async def test_work_beyond_its_deadline_is_ended_and_tried_again() -> None:
    done, attempts = asyncio.Event(), 0

    async def work(_: str) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            await asyncio.sleep(60)
        done.set()

    queue, workers = queue_and_workers(work, deadline_seconds=0.05)
    queue.add("a")
    await run_until(workers, done)
    assert attempts == 2


async def test_a_piece_of_work_may_ask_to_be_looked_at_again() -> None:
    done, times = asyncio.Event(), []

    async def work(_: str) -> float | None:
        times.append(asyncio.get_running_loop().time())
        if len(times) == 2:
            done.set()
            return None
        return 0.1

    queue, workers = queue_and_workers(work)
    queue.add("a")
    await run_until(workers, done)
    assert times[1] - times[0] >= 0.1


async def test_age_and_depth_tell_of_work_that_waits() -> None:
    async def work(_: str) -> None: ...

    queue, workers = queue_and_workers(work)
    assert (queue.depth(), queue.age_seconds(), workers.longest_busy_seconds()) == (0, 0.0, 0.0)
    queue.add("a")
    queue.add("later", 60.0)
    await asyncio.sleep(0.02)
    assert queue.depth() == 2
    assert queue.age_seconds() >= 0.02
