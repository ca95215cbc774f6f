"""The values of transcripts. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from voiceagent_api.transcripts import TranscriptLine

from voiceagent_gateway.model import AgentRef, PodView

Agent = tuple[str, str]
"""Namespace and name."""


class TranscriptError(Exception):
    """A transcript cannot be had now; the message says why."""


@dataclass(frozen=True, slots=True)
class TranscribedCall:
    """A call of which there is a transcript."""

    pod_uid: str
    session: str
    namespace: str
    agent: str
    pod: str
    room: str

    @property
    def reference(self) -> str:
        """The VoiceAgent as NAMESPACE/NAME."""
        return f"{self.namespace}/{self.agent}"


class Transcripts(Protocol):
    """Knows what was said."""

    async def find(self, session: str) -> TranscribedCall | None:
        """The call with this id of which something is kept. Raises TranscriptError."""
        ...

    async def held(self, session: str) -> TranscribedCall | None:
        """The same, also where all of it is still with its pod. Raises TranscriptError."""
        ...

    async def lines(self, call: TranscribedCall) -> Sequence[TranscriptLine]:
        """What is kept of it, in order. Raises TranscriptError."""
        ...

    async def erase(self, call: TranscribedCall) -> None:
        """Let go of it, and keep no more of what is said in it. Raises TranscriptError."""
        ...


class NoTranscripts:
    """For an application that keeps none."""

    async def find(self, session: str) -> TranscribedCall | None:
        return None

    async def held(self, session: str) -> TranscribedCall | None:
        return None

    async def lines(self, call: TranscribedCall) -> Sequence[TranscriptLine]:
        return ()

    async def erase(self, call: TranscribedCall) -> None:
        return


def hours_by_agent(agents: Iterable[AgentRef]) -> Mapping[Agent, int]:
    """For how many hours each agent's transcripts are kept; those that ask for none are left out."""
    return {
        (agent.namespace, agent.name): agent.transcript_hours for agent in agents if agent.transcript_hours is not None
    }


def call_of(views: Iterable[PodView], session: str) -> TranscribedCall | None:
    """The call with this id that a pod holds a transcript of, as far as it last said."""
    for view in views:
        for record in view.status.sessions if view.status is not None else ():
            if record.id == session and record.transcribed:
                pod = view.pod
                return TranscribedCall(pod.uid, session, pod.namespace, pod.agent, pod.name, record.room)
    return None


def runs(views: Iterable[PodView], call: TranscribedCall) -> bool:
    """Whether the call runs, as far as its pod last said."""
    return any(
        record.id == call.session and record.ended_at is None
        for view in views
        if view.pod.uid == call.pod_uid and view.status is not None
        for record in view.status.sessions
    )
