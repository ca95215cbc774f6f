"""`GET /agents`: which voice agents a caller can choose from."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from voiceagent_api.install import LiveKitDefaults

from voiceagent_gateway.choice import livekit_place
from voiceagent_gateway.deps import Deps
from voiceagent_gateway.model import AgentRef
from voiceagent_gateway.problems import ProblemError
from voiceagent_gateway.settings import Settings


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


def agents_routes(settings: Settings, deps: Deps) -> APIRouter:
    """The route that lists agents."""
    router = APIRouter(tags=["agents"])

    @router.get("/agents", summary="The voice agents there are")
    async def agents(response: Response) -> list[AgentAnswer]:
        response.headers["Cache-Control"] = "no-store"
        return [_answer(agent, settings.install.livekit) for agent in deps.directory.agents()]

    return router


def public_url(agent: AgentRef, install: LiveKitDefaults) -> str:
    """The LiveKit address that callers of the agent are told; empty where there is none."""
    try:
        return livekit_place(agent, install).public_url
    except ProblemError:
        return ""


def _answer(agent: AgentRef, install: LiveKitDefaults) -> AgentAnswer:
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
    )
