"""Which VoiceAgent a request means, whether it can be called now, and on which LiveKit server. Pure."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from voiceagent_api.install import LiveKitDefaults

from voiceagent_gateway.model import AgentRef, CallRequest
from voiceagent_gateway.problems import FieldError, ProblemError, invalid_request
from voiceagent_gateway.refusals import not_ready, off_by_hand, suspended

LISTED_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class LiveKitPlace:
    """Where an agent's calls happen."""

    url: str
    """For this gateway's own requests."""
    public_url: str
    """What the caller is told."""
    secret_name: str


def choose_agent(agents: Sequence[AgentRef], request: CallRequest) -> AgentRef:
    """The VoiceAgent that the request means. Raises a 400 or 404 problem that says how to name it."""
    if request.agent is not None:
        chosen = _by_reference(agents, request.agent)
        if request.agent_name is not None and request.agent_name != chosen.agent_name:
            rule = f'is "{request.agent_name}", but {chosen.reference} is dispatched as "{chosen.agent_name}"'
            raise invalid_request([FieldError("room_config.agents[0].agent_name", rule)])
        return chosen
    if request.agent_name is not None:
        candidates = [agent for agent in agents if agent.agent_name == request.agent_name]
        if not candidates:
            names = [agent.agent_name for agent in agents]
            raise _unknown(
                f'No VoiceAgent has the LiveKit dispatch name "{request.agent_name}"',
                request.agent_name,
                names,
            )
    else:
        candidates = list(agents)
        if not candidates:
            raise _unknown("There is no VoiceAgent yet", "", [])
    if len(candidates) > 1:
        raise _ambiguous(candidates)
    return candidates[0]


def require_callable(agent: AgentRef) -> None:
    """Raise a problem unless the agent answers calls now or a call wakes it: 409 suspended or scaled to zero by hand,
    503 not ready."""
    if agent.suspended:
        raise suspended(agent)
    if agent.off_by_hand:
        raise off_by_hand(agent)
    if not agent.ready and not agent.by_sessions:
        raise not_ready(agent)


def livekit_place(agent: AgentRef, install: LiveKitDefaults) -> LiveKitPlace:
    """Where the agent's calls happen, from its spec and the install's defaults. Raises a 503 problem where no
    address is known.

    The install's public URL belongs to the install's server: an agent with another is reached there.
    """
    url = agent.livekit_url or install.url
    install_public_url = install.public_url if url == install.url else ""
    public_url = agent.livekit_public_url or install_public_url or url or install.public_url
    if not public_url:
        detail = (
            f"VoiceAgent {agent.reference} has no LiveKit address: set its spec.livekit.url, "
            "or livekit.url in the install's configuration."
        )
        raise ProblemError(503, "livekit-unknown", "No LiveKit server is known", detail)
    return LiveKitPlace(url or public_url, public_url, agent.livekit_secret_name or install.credentials_secret_name)


def _by_reference(agents: Sequence[AgentRef], reference: str) -> AgentRef:
    for agent in agents:
        if agent.reference == reference:
            return agent
    raise _unknown(f"There is no VoiceAgent {reference}", reference, [agent.reference for agent in agents])


def _unknown(sentence: str, asked: str, known: Sequence[str]) -> ProblemError:
    near = difflib.get_close_matches(asked, known, n=1, cutoff=0.6)
    detail = f"{sentence}; did you mean {near[0]}?" if near else f"{sentence}."
    return ProblemError(404, "agent-unknown", "No such agent", detail)


def _ambiguous(candidates: Sequence[AgentRef]) -> ProblemError:
    references = sorted(agent.reference for agent in candidates)
    shown = ", ".join(references[:LISTED_MAX]) + (", …" if len(references) > LISTED_MAX else "")
    rule = f"must be given, since there are {len(references)} to choose from: {shown}"
    problem = invalid_request([FieldError("agent", rule)])
    problem.name, problem.title = "agent-ambiguous", "Which agent is not clear"
    problem.extras = {"agents": references[:LISTED_MAX]}
    return problem
