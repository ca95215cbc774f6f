"""Events: what `kubectl describe` tells of a VoiceAgent's past. One for each change of a condition, aggregated.

They are told after the status was written, in the background: a lost one loses nothing else.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from voiceagent_api.names import API_VERSION, FIELD_MANAGER, KIND
from voiceagent_api.status import (
    CONDITION_BUDGET_OK,
    CONDITION_PROVIDERS_READY,
    CONDITION_READY,
    CONDITION_RECONCILING,
    CONDITION_STALLED,
)

from voiceagent_operator.client import Client
from voiceagent_operator.errors import ApiError
from voiceagent_operator.kinds import EVENT
from voiceagent_operator.objects import Key, Object, place, uid

logger = logging.getLogger(__name__)

SAME_FOR_SECONDS: Final = 600.0
"""The same event within this time counts up instead of being told anew."""
BURST: Final = 25
REFILL_SECONDS: Final = 300.0
"""An agent may have so many new events at once and one more in this time, as of Kubernetes' own components."""
LONGEST_MESSAGE: Final = 1024
WRITERS: Final = 8
_WAITING: Final = 1000
"""For each writer."""
_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class Notice:
    """What an Event says."""

    type: str
    reason: str
    message: str


def transitions(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[Notice]:
    """What changed between two sets of conditions. The first ever are no change; nor is Reconciling's coming and
    going, which the others tell of. Pure."""
    before = {condition["type"]: condition for condition in old}
    return [
        Notice(_type(condition), condition["reason"], f"{condition['type']}: {condition['message']}"[:LONGEST_MESSAGE])
        for condition in new
        if (was := before.get(condition["type"])) is not None
        and condition["type"] != CONDITION_RECONCILING
        and (was["status"], was["reason"]) != (condition["status"], condition["reason"])
    ]


def _type(condition: Mapping[str, Any]) -> str:
    kind, status = condition["type"], condition["status"]
    bad = (kind == CONDITION_STALLED and status == "True") or (
        kind in (CONDITION_READY, CONDITION_PROVIDERS_READY, CONDITION_BUDGET_OK) and status == "False"
    )
    return "Warning" if bad else "Normal"


@dataclass(frozen=True, slots=True)
class _Told:
    name: str
    count: int
    last: float


class EventRecorder:
    """Takes notices without waiting, and writes a few at once: those of one agent one after the other, so that they
    keep their order and count up.
    """

    def __init__(self, client: Client, clock: Callable[[], float], now: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock
        self._now = now
        self._waiting = [asyncio.Queue[tuple[Key, str, Notice]](_WAITING) for _ in range(WRITERS)]
        self._told: OrderedDict[tuple[str, Notice], _Told] = OrderedDict()
        self._tokens: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def record(self, agent: Object, notices: Sequence[Notice]) -> None:
        """Have these told of an agent; when too many wait, they are only logged."""
        waiting = self._waiting[hash(uid(agent)) % WRITERS]
        for notice in notices:
            try:
                waiting.put_nowait((place(agent), uid(agent), notice))
            except asyncio.QueueFull:
                logger.warning("an event was not told", extra={"agent": str(place(agent)), "reason": notice.reason})

    async def run(self) -> None:
        """Write until cancelled."""
        async with asyncio.TaskGroup() as group:
            for waiting in self._waiting:
                group.create_task(self._write_all(waiting), name="events")

    async def _write_all(self, waiting: asyncio.Queue[tuple[Key, str, Notice]]) -> None:
        while True:
            key, agent_uid, notice = await waiting.get()
            try:
                await self._write(key, agent_uid, notice)
            except ApiError as error:
                logger.warning("an event was not told", extra={"agent": str(key), "error": str(error)})

    async def _write(self, key: Key, agent_uid: str, notice: Notice) -> None:
        told = self._told.get((agent_uid, notice))
        at = self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if told is not None and self._clock() - told.last < SAME_FOR_SECONDS:
            again = replace(told, count=told.count + 1, last=self._clock())
            try:
                await self._client.merge(
                    EVENT.path(key.namespace, told.name), {"count": again.count, "lastTimestamp": at}
                )
            except ApiError as error:
                if not error.gone:
                    raise
            else:
                self._remember(agent_uid, notice, again)
                return
        if not self._may_tell(agent_uid):
            return
        name = f"{key.name}.{time.time_ns():x}"
        await self._client.create(EVENT.path(key.namespace), _event(name, key, agent_uid, notice, at))
        self._remember(agent_uid, notice, _Told(name, 1, self._clock()))

    def _remember(self, agent_uid: str, notice: Notice, told: _Told) -> None:
        self._told[agent_uid, notice] = told
        self._told.move_to_end((agent_uid, notice))
        while len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)

    def _may_tell(self, agent_uid: str) -> bool:
        tokens, since = self._tokens.get(agent_uid, (float(BURST), self._clock()))
        tokens = min(float(BURST), tokens + (self._clock() - since) / REFILL_SECONDS)
        allowed = tokens >= 1.0
        self._tokens[agent_uid] = (tokens - 1.0 if allowed else tokens, self._clock())
        self._tokens.move_to_end(agent_uid)
        while len(self._tokens) > _REMEMBERED:
            self._tokens.popitem(last=False)
        return allowed


def _event(name: str, key: Key, agent_uid: str, notice: Notice, at: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": key.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "namespace": key.namespace,
            "name": key.name,
            "uid": agent_uid,
        },
        "type": notice.type,
        "reason": notice.reason,
        "message": notice.message,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
        "source": {"component": FIELD_MANAGER},
        "reportingComponent": FIELD_MANAGER,
        "reportingInstance": FIELD_MANAGER,
    }
