"""Readings for whoever must know what is so now."""

import asyncio
from datetime import UTC, datetime

import pytest
from voiceagent_api.worker_status import WorkerStatus
from voiceagent_gateway import fresh
from voiceagent_gateway.collect import ReadError
from voiceagent_gateway.fresh import FreshReadings
from voiceagent_gateway.model import PodRef


def pod(name: str) -> PodRef:
    return PodRef(name, "default", name, "a", address="10.0.0.1", phase="Running", ready=True)


def status(name: str) -> WorkerStatus:
    return WorkerStatus(
        namespace="default", agent="a", agent_name="a", pod=name, revision="r", config_revision="c",
        registered=True, draining=False,
    )  # fmt: skip


class Pods:
    def __init__(self) -> None:
        self.reads: list[str] = []
        self.silent: set[str] = set()
        self.broken: set[str] = set()

    async def fetch(self, ref: PodRef) -> WorkerStatus:
        self.reads.append(ref.name)
        await asyncio.sleep(0.01)
        if ref.name in self.silent:
            await asyncio.sleep(3600)
        if ref.name in self.broken:
            raise ReadError("it answered 500")
        return status(ref.name)


@pytest.fixture
def pods() -> Pods:
    return Pods()


@pytest.fixture
def readings(pods: Pods) -> FreshReadings:
    return FreshReadings(pods.fetch, lambda: datetime.now(UTC))


async def test_twenty_readers_at_once_are_one_request_a_pod(pods: Pods, readings: FreshReadings) -> None:
    answers = await asyncio.gather(*(readings.read([pod("a"), pod("b")]) for _ in range(20)))

    assert sorted(pods.reads) == ["a", "b"]
    assert all([view.status is not None for view in views] == [True, True] for views in answers)


async def test_a_reading_serves_until_it_is_old(
    pods: Pods, readings: FreshReadings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await readings.read([pod("a")])
    await readings.read([pod("a")])
    assert pods.reads == ["a"]

    monkeypatch.setattr(fresh, "FRESH_SECONDS", 0.0)
    await readings.read([pod("a")])
    assert pods.reads == ["a", "a"]


async def test_a_silent_pod_holds_up_nobody_for_long_and_is_shown_as_it_last_was(
    pods: Pods, readings: FreshReadings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(fresh, "READ_TIMEOUT_SECONDS", 0.1)
    await readings.read([pod("a"), pod("b")])
    pods.silent.add("a")
    pods.broken.add("b")

    async with asyncio.timeout(30):
        silent, broken = await readings.read([pod("a"), pod("b")])

    assert silent.status is not None
    assert silent.error == "it did not answer in time"
    assert broken.status is not None
    assert broken.error == "it answered 500"


async def test_a_pod_without_an_address_is_not_asked(pods: Pods, readings: FreshReadings) -> None:
    views = await readings.read([PodRef("c", "default", "c", "a")])

    assert pods.reads == []
    assert [view.status for view in views] == [None]
