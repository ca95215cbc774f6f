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
    erased_by: frozenset[str] | None = None
    """The names of those who erased it; None for one that is there."""

    @property
    def reference(self) -> str:
        """The VoiceAgent as NAMESPACE/NAME."""
        return f"{self.namespace}/{self.agent}"


@dataclass(frozen=True, slots=True)
class Said:
    """What is kept of a call, as far as it was asked for."""

    lines: Sequence[TranscriptLine]
    missing: int
    """Lines before the last one that are not kept."""


class Transcripts(Protocol):
    """Knows what was said. An id may be that of more than one call: ids are what pods say they are."""

    async def find(self, session: str) -> Sequence[TranscribedCall]:
        """The calls with this id of which something is kept. Raises TranscriptError."""
        ...

    async def held(self, session: str) -> Sequence[TranscribedCall]:
        """The same, with those of which all is still with their pod, and those that were erased. Raises
        TranscriptError.
        """
        ...

    async def lines(self, call: TranscribedCall, after: int = 0) -> Said | None:
        """Those with a greater number, in order; None where nothing of the call is kept. Raises TranscriptError."""
        ...

    async def erase(self, call: TranscribedCall, by: str) -> None:
        """Let go of it, and keep no more of what is said in it; again if need be. `by` names who wants it so. Raises
        TranscriptError.
        """
        ...


class NoTranscripts:
    """For an application that keeps none."""

    async def find(self, session: str) -> Sequence[TranscribedCall]:
        return ()

    async def held(self, session: str) -> Sequence[TranscribedCall]:
        return ()

    async def lines(self, call: TranscribedCall, after: int = 0) -> Said | None:
        return None

    async def erase(self, call: TranscribedCall, by: str) -> None:
        return


def hours_by_agent(agents: Iterable[AgentRef]) -> Mapping[Agent, int]:
    """For how many hours each agent's transcripts are kept; those that ask for none are left out."""
    return {
        (agent.namespace, agent.name): agent.transcript_hours for agent in agents if agent.transcript_hours is not None
    }


def calls_of(views: Iterable[PodView], session: str) -> list[TranscribedCall]:
    """The calls with this id that pods hold a transcript of, as far as they last said."""
    return [
        TranscribedCall(view.pod.uid, session, view.pod.namespace, view.pod.agent, view.pod.name, record.room)
        for view in views
        for record in (view.status.sessions if view.status is not None else ())
        if record.id == session and record.transcribed
    ]


def runs(views: Iterable[PodView], call: TranscribedCall) -> bool:
    """Whether the call runs, as far as its pod last said."""
    return any(
        record.id == call.session and record.ended_at is None
        for view in views
        if view.pod.uid == call.pod_uid and view.status is not None
        for record in view.status.sessions
    )


def others(calls: Iterable[TranscribedCall], known: Iterable[TranscribedCall]) -> list[TranscribedCall]:
    """The calls that are not among the known ones, whatever else is told of them."""
    keys = {(call.pod_uid, call.session) for call in known}
    return [call for call in calls if (call.pod_uid, call.session) not in keys]
