"""Transcripts where the history is in a store for many gateways: as long as the pods hold them, and no longer.

No gateway keeps any: another would not know what was erased at the one.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from voiceagent_api.transcripts import TranscriptLine

from voiceagent_gateway.database import Database, DatabaseError
from voiceagent_gateway.model import AgentRef, PodView
from voiceagent_gateway.transcripts.kept import TranscribedCall, TranscriptError, call_of, hours_by_agent
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

    async def find(self, session: str) -> TranscribedCall | None:
        """The call, from what its pod last said."""
        hours = hours_by_agent(self._agents())
        return call_of((view for view in self._views() if (view.pod.namespace, view.pod.agent) in hours), session)

    async def held(self, session: str) -> TranscribedCall | None:
        """The same: nothing of it is anywhere else."""
        return await self.find(session)

    async def lines(self, call: TranscribedCall) -> Sequence[TranscriptLine]:
        """What its pod holds."""
        return (await self._pods.of(self._view(call).pod, call.session)).lines

    async def erase(self, call: TranscribedCall) -> None:
        """Have its pod forget it."""
        await self._pods.erase(self._view(call).pod, call.session)

    def _view(self, call: TranscribedCall) -> PodView:
        found = next((view for view in self._views() if view.pod.uid == call.pod_uid and view.pod.readable), None)
        if found is None:
            raise TranscriptError(f"pod {call.pod} cannot be asked")
        return found
