"""Why a caller gets no token now, in words, and when to ask again. Pure."""

from typing import Final

from voiceagent_gateway.model import AgentRef
from voiceagent_gateway.places import Places
from voiceagent_gateway.problems import ProblemError

FULL_RETRY_SECONDS: Final = 10
SOON_RETRY_SECONDS: Final = 5
STARTING_SHOWN_MAX: Final = 3


def refusal(agent: AgentRef, places: Places) -> ProblemError:
    """For an agent without a free place: 429 where it has all the pods that it may have, else 503 and how far it is."""
    if places.ready_pods == 0 and not agent.by_sessions:
        return not_ready(agent)
    if places.ready_pods >= agent.most_pods:
        detail = (
            f"All {_places(places)} of VoiceAgent {agent.reference} are taken, and it has as many pods as it may have "
            f"({agent.most_pods}). Ask again in {FULL_RETRY_SECONDS} seconds."
        )
        return ProblemError(429, "agent-full", "All lines are busy", detail, retry_after_seconds=FULL_RETRY_SECONDS)
    if places.ready_pods == 0:
        # What the operator says of pods that start helps; with no pod it speaks of an agent that sleeps.
        said = f" {agent.message}" if places.starting and agent.message else ""
        detail = f"VoiceAgent {agent.reference} is waking up: {progress(places)}.{said}"
        return _soon("agent-waking", "The agent is waking up", detail)
    detail = (
        f"All {_places(places)} of VoiceAgent {agent.reference} are taken; {places.ready_pods} of at most "
        f"{agent.most_pods} pods are ready, and {progress(places)}."
    )
    return _soon("agent-growing", "The agent is getting more places", detail)


def can_grow(agent: AgentRef, places: Places) -> bool:
    """Whether the operator will make a place for a caller who waits."""
    return agent.by_sessions and places.ready_pods < agent.most_pods


def progress(places: Places) -> str:
    """How far the next pod is."""
    if places.starting:
        return ", ".join(places.starting[:STARTING_SHOWN_MAX])
    return "the next is not there yet" if places.ready_pods else "there is no pod yet"


def too_many(agent: AgentRef, most: int) -> ProblemError:
    """For a caller who may not even wait."""
    detail = f"{most} callers wait for VoiceAgent {agent.reference} already. Ask again in {FULL_RETRY_SECONDS} seconds."
    return ProblemError(
        503, "too-many-waiting", "Too many callers wait", detail, retry_after_seconds=FULL_RETRY_SECONDS
    )


def not_ready(agent: AgentRef) -> ProblemError:
    """For an agent that should have pods and has no ready one."""
    detail = f"VoiceAgent {agent.reference} has no ready worker pod now. {agent.message}".strip()
    return _soon("agent-not-ready", "The agent is not ready", detail)


def suspended(agent: AgentRef) -> ProblemError:
    """For an agent that takes no calls by its owner's wish."""
    detail = f"VoiceAgent {agent.reference} is suspended; set its spec.suspend to false to take calls again."
    return ProblemError(409, "agent-suspended", "The agent is suspended", detail)


def off_by_hand(agent: AgentRef) -> ProblemError:
    """For an agent whose pods somebody set to none: no call wakes it."""
    detail = (
        f"VoiceAgent {agent.reference} is scaled to zero by hand (spec.replicas is 0); "
        "scale it up, or set its spec.scaling.mode to Sessions to have callers wake it."
    )
    return ProblemError(409, "agent-scaled-to-zero", "The agent is scaled to zero", detail)


def _places(places: Places) -> str:
    return f"{places.capacity} places" if places.capacity != 1 else "places (1)"


def _soon(name: str, title: str, detail: str) -> ProblemError:
    return ProblemError(503, name, title, detail, retry_after_seconds=SOON_RETRY_SECONDS)
