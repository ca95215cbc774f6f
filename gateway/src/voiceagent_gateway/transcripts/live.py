"""Transcripts where the history is in a store for many gateways: as long as the pods hold them, and no longer.

No gateway keeps any: another would not know what was erased at the one.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from voiceagent_gateway.database import Database, DatabaseError
from voiceagent_gateway.model import AgentRef, PodView
from voiceagent_gateway.transcripts.kept import Said, TranscribedCall, TranscriptError, calls_of, hours_by_agent
from voiceagent_gateway.transcripts.pods import PodTranscripts
from voiceagent_gateway.transcripts.store import prune

END_OF_TIME: Final = 2**62
log = logging.getLogger(__name__)


async def let_go(database: Database) -> None:
    """Delete what a gateway with transcripts of its own left in this file: nobody would enforce its retention."""
    try:
        if await database.run(lambda it: prune(it, {}, END_OF_TIME, 0)):
            await database.truncate_log()
    except DatabaseError as error:
        log.error("transcripts of before cannot be deleted", extra={"error": str(error)})


class LiveTranscripts:
    """Asks the pod of a call each time."""

    def __init__(
        self,
        agents: Callable[[], Sequence[AgentRef]],
        views: Callable[[], Sequence[PodView]],
        pods: PodTranscripts,
    ) -> None:
        self._agents = agents
        self._views = views
        self._pods = pods

    async def find(self, session: str) -> Sequence[TranscribedCall]:
        """The calls, from what their pods last said."""
        hours = hours_by_agent(self._agents())
        return calls_of((view for view in self._views() if (view.pod.namespace, view.pod.agent) in hours), session)

    async def held(self, session: str) -> Sequence[TranscribedCall]:
        """The same: nothing of them is anywhere else."""
        return await self.find(session)

    async def lines(self, call: TranscribedCall, after: int = 0) -> Said | None:
        """What its pod holds."""
        found = await self._pods.of(self._view(call).pod, call.session, after)
        # A worker that knows of no `after` gives all, and does not say from where it has them.
        first = found.first or (found.lines[0].number if found.lines else 0)
        lines = [line for line in found.lines if line.number > after]
        return Said(lines, missing=first - 1) if first else None

    async def erase(self, call: TranscribedCall, by: str) -> None:
        """Have its pod forget it."""
        await self._pods.erase(self._view(call).pod, call.session)

    def _view(self, call: TranscribedCall) -> PodView:
        found = next((view for view in self._views() if view.pod.uid == call.pod_uid and view.pod.readable), None)
        if found is None:
            raise TranscriptError(f"pod {call.pod} cannot be asked")
        return found
