"""`GET /agents`: which voice agents a caller can choose from, and which pods still finish their calls."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from voiceagent_api.install import LiveKitDefaults
from voiceagent_api.names import default_agent_name
from voiceagent_api.status import DrainingPods

from voiceagent_gateway.choice import livekit_place
from voiceagent_gateway.deps import Deps
from voiceagent_gateway.draining import draining_pods
from voiceagent_gateway.gate import GATE_PROBLEMS, dependency
from voiceagent_gateway.identity import Identity, denial, visible
from voiceagent_gateway.model import AgentRef
from voiceagent_gateway.problems import ProblemError
from voiceagent_gateway.settings import Settings

DELETED: Final = "The VoiceAgent was deleted; its last pods finish their calls."


class AgentAnswer(BaseModel):
    """One VoiceAgent, without its instructions."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    namespace: str
    name: str
    agent_name: str
    ready: bool
    """Whether a call for it would be answered now."""
    suspended: bool
    ready_summary: str
    message: str
    language: str
    url: str
    draining: list[DrainingPods] | None = None
    """Pods that take no new calls and finish those they have; left out where there are none."""
    deleted: Literal[True] | None = None
    """There for a VoiceAgent that is no more, while its pods finish their calls."""


def agents_routes(settings: Settings, deps: Deps) -> APIRouter:
    """The route that lists agents."""
    router = APIRouter(tags=["agents"])

    identify = dependency(deps.gate.identify, settings.install.gateway)

    @router.get(
        "/agents",
        summary="The voice agents that the caller may call",
        response_model_exclude_none=True,
        responses=GATE_PROBLEMS,
    )
    async def agents(response: Response, caller: Annotated[Identity, identify]) -> list[AgentAnswer]:
        response.headers["Cache-Control"] = "no-store"
        # What the reader in the background saw last: a list of agents is not to wait for pods.
        draining = {
            (namespace, name): pods
            for (namespace, name), pods in draining_pods(deps.directory.pods(), deps.fleet.known).items()
            if denial(caller, f"{namespace}/{name}") is None
        }
        there = [
            _answer(agent, settings.install.livekit, draining.pop((agent.namespace, agent.name), None))
            for agent in visible(caller, deps.directory.agents())
        ]
        gone = [_deleted(namespace, name, pods) for (namespace, name), pods in draining.items()]
        return sorted([*there, *gone], key=lambda answer: (answer.namespace, answer.name))

    return router


def public_url(agent: AgentRef, install: LiveKitDefaults) -> str:
    """The LiveKit address that callers of the agent are told; empty where there is none."""
    try:
        return livekit_place(agent, install).public_url
    except ProblemError:
        return ""


def _answer(agent: AgentRef, install: LiveKitDefaults, draining: list[DrainingPods] | None) -> AgentAnswer:
    return AgentAnswer(
        namespace=agent.namespace,
        name=agent.name,
        agent_name=agent.agent_name,
        ready=agent.ready,
        suspended=agent.suspended,
        ready_summary=agent.ready_summary,
        message=agent.message,
        language=agent.language,
        url=public_url(agent, install),
        draining=draining,
    )


def _deleted(namespace: str, name: str, draining: Sequence[DrainingPods]) -> AgentAnswer:
    """What can be said without the VoiceAgent. It cannot be called, so that its address is of no use."""
    return AgentAnswer(
        namespace=namespace,
        name=name,
        agent_name=default_agent_name(namespace, name),
        ready=False,
        suspended=False,
        ready_summary="",
        message=DELETED,
        language="",
        url="",
        draining=list(draining),
        deleted=True,
    )
