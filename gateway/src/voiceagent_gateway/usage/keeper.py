"""Counts while the gateway runs: looks at what the pods last told, and keeps what was new in it.

No pod is asked for it: what the reader in the background has is enough. What a failing disk did not take is kept in
memory and written with the next; a gateway that starts reads everything back before it counts.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from voiceagent_api.prices import Prices
from voiceagent_api.status import Usage
from voiceagent_api.worker_status import SessionRecord, WorkerStatus

from voiceagent_gateway.database import Database, DatabaseError
from voiceagent_gateway.model import AgentRef, PastSession, PodView, as_utc
from voiceagent_gateway.problems import ProblemError
from voiceagent_gateway.usage.budget import combined, refusal_beyond_budget, usage_of
from voiceagent_gateway.usage.store import DAYS_KEPT, Lines, read_counted, read_lines, write
from voiceagent_gateway.usage.tally import NOTHING, Line, Quantities, Tally, day_before, day_of

LOOK_SECONDS: Final = 5.0
PODS_AT_ONCE: Final = 20
"""Of many pods, callers who ask for a token are not to wait for all to be counted."""
TIDY_EVERY: Final = timedelta(minutes=1)
log = logging.getLogger(__name__)

OfAgent = tuple[str, str]
"""Namespace and name of an agent."""


class UsageKeeper:
    """Knows what agents used."""

    def __init__(
        self,
        views: Callable[[], Sequence[PodView]],
        past: Callable[[], Sequence[PastSession]],
        database: Database,
        prices: Prices,
        clock: Callable[[], datetime],
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """`views` are the pods as last seen, `past` the calls of pods that are gone."""
        self._views = views
        self._past = past
        self._database = database
        self._clock = clock
        self._look_seconds = look_seconds
        self.prices = prices
        self._tally: Tally | None = None
        self._day = ""
        self._by_agent: dict[OfAgent, dict[Line, Quantities]] = {}
        self._usage: dict[OfAgent, Usage] = {}
        """As told of those lines; made anew where they changed."""
        self._told: dict[str, WorkerStatus] = {}
        self._told_of_past: dict[tuple[str, str], SessionRecord] = {}
        self._since_start: dict[Line, Quantities] = {}
        self._tidied_at: datetime | None = None
        self._failing = False

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self._look_seconds)

    async def look(self) -> None:
        """Count what the pods told since the last look, and keep it."""
        try:
            if self._tally is None:
                self._tally = await self._load()
            await self._count(self._tally)
            await self._keep(self._tally)
        except DatabaseError as error:
            if not self._failing:
                log.warning("usage cannot be kept for now", extra={"error": str(error)})
            self._failing = True
            return
        if self._failing:
            log.info("usage can be kept again")
        self._failing = False

    @property
    def started(self) -> bool:
        """Whether it is known what was counted before, and the pods were looked at."""
        return bool(self._day)

    @property
    def today(self) -> Mapping[OfAgent, Mapping[Line, Quantities]]:
        """The lines of today by agent, as of the last look."""
        return self._by_agent if self._day == day_of(self._clock()) else {}

    @property
    def since_start(self) -> Mapping[Line, Quantities]:
        """What was counted since this gateway started, by lines without a day."""
        return self._since_start

    def usage(self, agent: AgentRef) -> Usage:
        """What the agent used today, by this gateway's count and by what the agent's status says."""
        key, day = (agent.namespace, agent.name), day_of(self._clock())
        own = self._usage.get(key)
        if own is None or own.day != day:
            own = usage_of(day, self.today.get(key, {}).items(), self.prices)
            if key in self.today:
                self._usage[key] = own
        return combined(own, agent.usage)

    def refusal(self, agent: AgentRef) -> ProblemError | None:
        """Why the agent takes no calls any more today; None where it does."""
        if agent.budget is None or agent.budget.on_exceeded != "Refuse":
            return None
        return refusal_beyond_budget(agent, self.usage(agent), self._clock())

    async def lines(self, first_day: str, last_day: str, agent: OfAgent | None, most: int) -> Lines:
        """What was used on some days; at most so many lines. Raises DatabaseError."""
        return await self._database.run(lambda it: read_lines(it, first_day, last_day, agent, most))

    async def _load(self) -> Tally:
        now = self._clock()
        today = day_of(now)
        lines = await self._database.run(lambda it: read_lines(it, day_before(today), "9999"))
        return Tally(dict(lines), await self._database.run(read_counted), now)

    async def _count(self, tally: Tally) -> None:
        now = self._clock()
        told, told_of_past, new = {}, {}, list[tuple[Line, Quantities]]()
        for number, view in enumerate(self._views()):
            if number % PODS_AT_ONCE == 0:
                await asyncio.sleep(0)
            if view.status is None or view.status is self._told.get(view.pod.uid):
                tally.saw(view.pod.uid, now)
            else:
                for record in view.status.sessions:
                    new += tally.count(view.pod, record, now)
            if view.status is not None:
                told[view.pod.uid] = view.status
        for session in self._past():
            if not session.test and self._told_of_past.get(session.key) is not session.record:
                new += tally.count(session.pod, session.record, now)
            told_of_past[session.key] = session.record
        self._told, self._told_of_past = told, told_of_past
        if self._day != day_of(now):
            self._begin(day_of(now), tally)
        for line, quantities in new:
            series = line._replace(day="")
            self._since_start[series] = self._since_start.get(series, NOTHING) + quantities
            self._take(line, tally)

    def _begin(self, day: str, tally: Tally) -> None:
        self._day, self._by_agent, self._usage = day, {}, {}
        for line in tally.lines:
            self._take(line, tally)
        # Counters of agents and models that nobody uses any more would only fill a scraper.
        used = {line._replace(day="") for line in tally.lines}
        self._since_start = {line: it for line, it in self._since_start.items() if line in used}

    def _take(self, line: Line, tally: Tally) -> None:
        if line.day == self._day:
            agent = (line.namespace, line.agent)
            self._by_agent.setdefault(agent, {})[line] = tally.lines[line]
            self._usage.pop(agent, None)

    async def _keep(self, tally: Tally) -> None:
        now = self._clock()
        tidy = self._tidied_at is None or now - self._tidied_at >= TIDY_EVERY
        if tidy:
            tally.forget(now)
        changes = tally.changes()
        if not tidy and not any(changes):
            return
        oldest = (as_utc(now).date() - timedelta(days=DAYS_KEPT - 1)).isoformat()
        try:
            await self._database.run(lambda it: write(it, changes, oldest))
        except BaseException:
            tally.put_back(changes)
            raise
        if tidy:
            self._tidied_at = now
