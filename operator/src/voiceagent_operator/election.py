"""Leading one at a time: takes the Lease, keeps it, gives it up."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from voiceagent_operator.client import Client
from voiceagent_operator.errors import ApiError
from voiceagent_operator.kinds import LEASE
from voiceagent_operator.lease import API_VERSION, LeaseTimes, Sighting, held, may_take, released, sight
from voiceagent_operator.objects import Key, Object

logger = logging.getLogger(__name__)


class LeadershipLost(Exception):
    """The Lease could not be renewed in time, or is another's."""


class Elector:
    """One candidate for the lead."""

    def __init__(
        self,
        client: Client,
        lease: Key,
        identity: str,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        times: LeaseTimes | None = None,
    ) -> None:
        self._client = client
        self._lease = lease
        self._identity = identity
        self._clock = clock
        self._now = now
        self._times = times or LeaseTimes()
        self._sighting: Sighting | None = None
        self._body: Object | None = None
        self._renewed = 0.0
        self.leading = False

    @property
    def holds(self) -> bool:
        """Whether nobody else can lead now, by the clock: it goes on while the process is paused."""
        return self.leading and self._clock() < self._renewed + self._times.renew_deadline_seconds

    async def acquire(self) -> None:
        """Wait until this candidate leads."""
        told = ""
        while not await self._try_to_take():
            holder = self._sighting.record.get("holderIdentity", "") if self._sighting else ""
            if holder != told:
                told = holder
                logger.info("standing by", extra={"leader": holder})
            await asyncio.sleep(self._times.look_seconds)
        self.leading = True
        logger.info("leading", extra={"lease": str(self._lease), "identity": self._identity})

    async def keep(self) -> None:
        """Renew for as long as this candidate leads. Raises LeadershipLost in time to stop before anybody follows."""
        while True:
            remaining = self._renewed + self._times.renew_deadline_seconds - self._clock()
            if remaining <= 0:
                self.leading = False
                raise LeadershipLost(f"the lease was not renewed for {self._times.renew_deadline_seconds:.0f} s")
            try:
                async with asyncio.timeout(remaining):
                    await self._renew()
            except (ApiError, TimeoutError) as error:
                logger.warning("the lease was not renewed", extra={"error": str(error) or "no answer in time"})
            await asyncio.sleep(min(self._times.look_seconds, max(0.0, remaining)))

    async def release(self) -> None:
        """Let another lead at once."""
        if not self.leading:
            return
        self.leading = False
        try:
            async with asyncio.timeout(self._times.renew_deadline_seconds):
                while not await self._released():
                    continue
        except (ApiError, TimeoutError) as error:
            logger.warning("the lease was not released", extra={"error": str(error) or "no answer in time"})

    async def _released(self) -> bool:
        """Whether the lease is let go of; read anew, since a renewal that was ended half way may yet come through."""
        lease = await self._client.find(LEASE, *self._lease)
        if lease is None or lease["spec"].get("holderIdentity") != self._identity:
            return True
        try:
            await self._client.replace(LEASE.path(*self._lease), released(lease, self._now()))
        except ApiError as error:
            if error.status != 409:
                raise
            return False
        return True

    async def _try_to_take(self) -> bool:
        began = self._clock()
        try:
            async with asyncio.timeout(self._times.renew_deadline_seconds):
                lease = await self._client.find(LEASE, *self._lease)
                if lease is not None:
                    self._sighting = sight(lease, self._sighting, self._clock())
                    if not may_take(self._sighting, self._identity, self._clock()):
                        return False
                await self._write(lease)
        except (ApiError, TimeoutError) as error:
            if not (isinstance(error, ApiError) and error.status == 409):
                logger.warning("the lease cannot be had", extra={"error": str(error) or "no answer in time"})
            return False
        self._renewed = began
        return True

    async def _renew(self) -> None:
        began = self._clock()
        try:
            await self._write(self._body)
        except ApiError as error:
            if error.status != 409 and not error.gone:
                raise
            lease = await self._client.find(LEASE, *self._lease)
            holder = ((lease or {}).get("spec") or {}).get("holderIdentity")
            if lease is not None and holder != self._identity:
                self.leading = False
                raise LeadershipLost(f"the lease is {holder or 'nobody'}'s now") from error
            await self._write(lease)
        self._renewed = began

    async def _write(self, lease: Object | None) -> None:
        body = held(lease, self._identity, self._times, self._now())
        if lease is None:
            meta = {"name": self._lease.name, "namespace": self._lease.namespace}
            body |= {"apiVersion": API_VERSION, "kind": LEASE.name, "metadata": meta}
            self._body = await self._client.create(LEASE.path(self._lease.namespace), body)
        else:
            self._body = await self._client.replace(LEASE.path(*self._lease), body)
