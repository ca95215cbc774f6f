"""Plugins and tool servers in a text conversation: a real session of livekit-agents, a model over HTTP, no room."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from livekit.agents import AgentSession
from livekit.agents.llm import ChatMessage
from mcp.server import MCPServer
from processes import free_port
from speech_server import SpeechServer, speech_server
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from voiceagent_api.agent_config import AgentConfig
from voiceagent_worker.conversation import create_agent, create_session
from voiceagent_worker.events import McpServerTried, PluginsRan
from voiceagent_worker.logs import Redactor
from voiceagent_worker.mcp_tools import McpTools
from voiceagent_worker.plugins.call import CallPlugins
from voiceagent_worker.plugins.in_room import begin, open_plugins
from voiceagent_worker.plugins.speech import typed
from voiceagent_worker.providers import Models
from voiceagent_worker.providers.openai import build_llm

TOKEN = "a-token-of-the-tool-server"


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpeechServer]:
    with speech_server(tmp_path_factory.mktemp("speech")) as server:
        yield server


class Talk:
    """A conversation in writing."""

    def __init__(self, session: AgentSession[None], agent: Any, plugins: CallPlugins | None, told: list[Any]) -> None:
        self.session = session
        self.agent = agent
        self.plugins = plugins
        self.told = told
        self.added: list[tuple[str, str]] = []
        session.on(
            "conversation_item_added", lambda event: self.added.append((event.item.role, event.item.text_content))
        )

    async def type(self, text: str) -> None:
        """As a person in a room or at a terminal does."""
        assert self.plugins is not None
        handle = await typed(self.session, text, self.plugins)
        if handle is not None:
            await handle

    def history(self) -> list[tuple[str, str]]:
        items = self.session.history.items
        return [(item.role, item.text_content or "") for item in items if isinstance(item, ChatMessage)]

    def outcomes(self, plugin: str) -> list[str]:
        runs = (event for event in self.told if isinstance(event, PluginsRan))
        return [
            r.outcome for run in runs for r in run.results if r.plugin == plugin and r.occasion in ("user", "agent")
        ]


@asynccontextmanager
async def talk(speech: SpeechServer, *plugins: dict[str, Any], **fields: Any) -> AsyncIterator[Talk]:
    provider = {"provider": "openai", "model": "m", "baseURL": f"{speech.url}/v1"}
    config = AgentConfig.model_validate(
        {
            "namespace": "default",
            "name": "receptionist",
            "agentName": "default-receptionist",
            "livekitURL": "ws://livekit:7880",
            "instructions": "You answer the phone.",
            "providers": {"stt": provider, "llm": provider, "tts": provider},
            "plugins": list(plugins),
            **fields,
        }
    )
    told: list[Any] = []
    call = open_plugins(config, "call", told.append, Redactor()) if plugins else None
    llm = build_llm(config.providers.llm, "en", "no-key")  # type: ignore[arg-type]
    session = create_session(Models(stt=None, llm=llm, tts=None), None, config.turn_detection, call)  # type: ignore[arg-type]
    agent = create_agent(config, call)
    tools = McpTools(config.mcp_servers, "call", told.append, Redactor(), pause_seconds=0.01)
    if call is not None:
        await begin(call, agent, "ann")
    await session.start(agent=agent, record=False)
    try:
        await tools.attach(agent)
        yield Talk(session, agent, call, told)
    finally:
        await session.aclose()
        if call is not None:
            await call.end()
        await tools.close()
        await llm.aclose()


FILTER = {"name": "profanity_filter"}


async def test_typed_words_meet_the_plugins_before_model_and_history_and_so_does_the_answer(
    speech: SpeechServer,
) -> None:
    speech.script({"say": "What the shit is this. I am fine, you are a bitch."})
    async with talk(speech, FILTER, {"name": "example"}) as one:
        await one.type("hello you sh1t")
        assert speech.asked_of_the_model()[-1] == "hello you ****"
        said = [("user", "hello you ****"), ("assistant", "What the **** is this. I am fine, you are a *****.")]
        assert one.history() == said
        assert one.added == said
        # the caller's message, and each of the agent's two sentences
        assert one.outcomes("profanity_filter") == ["ok"] * 3
        assert one.plugins is not None and one.plugins._conversation.state["example"] == {"user": 1, "agent": 2}


async def test_words_that_reach_the_model_another_way_meet_the_plugins_too(speech: SpeechServer) -> None:
    speech.script({"say": "Good."})
    async with talk(speech, FILTER) as one:
        await one.session.run(user_input="oh shit, help me")
        assert speech.asked_of_the_model()[-1] == "oh ****, help me"
        assert one.history() == [("user", "oh ****, help me"), ("assistant", "Good.")]


async def test_what_the_agent_is_told_to_say_meets_the_plugins(speech: SpeechServer) -> None:
    async with talk(speech, FILTER, {"name": "example", "config": {"suffix": "~"}}) as one:
        await one.session.say("Welcome. This is a shit show.")
        assert one.history() == [("assistant", "Welcome.~ This is a **** show.~")]


async def test_a_turn_that_a_plugin_must_see_and_cannot_is_answered_by_an_apology_and_the_call_goes_on(
    speech: SpeechServer,
) -> None:
    speech.script({"say": "It went through."})
    hook = {"name": "redaction", "onError": "Fail", "webhook": {"url": f"http://127.0.0.1:{free_port()}/hook"}}
    async with talk(speech, hook, language="fr") as one:
        await one.type("my card is 4242")
        apology = "Désolé, un problème est survenu de mon côté. Pouvez-vous le dire autrement, s'il vous plaît ?"
        assert one.history() == [("assistant", apology)]
        await one.session.run(user_input="my card is 4242")
        assert one.history()[1:] == [("user", "[…]"), ("assistant", apology)]
    async with talk(speech, {**hook, "onError": "Skip"}) as one:
        await one.type("hello")
        assert one.history() == [("user", "hello"), ("assistant", "It went through.")]
        assert one.outcomes("redaction") == ["error", "error"]


async def test_a_caller_is_known_in_the_next_call(speech: SpeechServer, tmp_path: Path) -> None:
    memory = {"name": "conversation_memory", "config": {"path": str(tmp_path / "memory.db")}}
    speech.script({"say": "Hello Ann."})
    async with talk(speech, memory) as first:
        await first.type("My name is Ann.")
    async with talk(speech, memory) as second:
        await second.type("Who am I?")
        background = [item.text_content for item in second.agent.chat_ctx.items if isinstance(item, ChatMessage)][:2]
        assert any("Caller: My name is Ann." in (text or "") for text in background)
        assert second.history() == [("user", "Who am I?"), ("assistant", "Hello Ann.")]


async def test_a_plugin_that_empties_a_message_leaves_nothing_to_answer(speech: SpeechServer) -> None:
    async with talk(speech, {"name": "profanity_filter", "config": {"mask": "remove"}}) as one:
        await one.type("shit")
        assert one.history() == []


class ToolServer:
    """A tool server that asks for a token, as a process's own would."""

    def __init__(self) -> None:
        self.port = free_port()
        self.asked: list[str] = []
        server = MCPServer("calendar")

        @server.tool()
        def free_tables(day: str) -> str:
            """How many tables are free on a day."""
            self.asked.append(day)
            return "three tables"

        app = server.streamable_http_app()

        async def check(request: Request, call_next: Callable[[Request], Any]) -> Response:
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                return PlainTextResponse("no", status_code=401)
            answer: Response = await call_next(request)
            return answer

        app.add_middleware(BaseHTTPMiddleware, dispatch=check)
        self._server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=self.port, log_level="warning"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> "ToolServer":
        self._thread.start()
        end = time.monotonic() + 60
        while not self._server.started and time.monotonic() < end:
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(30)

    def config(self, token: Path) -> dict[str, str]:
        return {"name": "calendar", "url": f"http://127.0.0.1:{self.port}/mcp", "tokenPath": str(token)}


async def test_the_model_uses_a_tool_of_a_tool_server_and_plugins_leave_the_call_alone(
    speech: SpeechServer, tmp_path: Path
) -> None:
    (tmp_path / "MCP_TOKEN").write_text(TOKEN + "\n")
    speech.script(
        {"match": "table", "tool_call": {"name": "free_tables", "arguments": {"day": "shitday"}}},
        {"say": "There are three, you bitch."},
    )
    with ToolServer() as server:
        async with talk(speech, FILTER, mcpServers=[server.config(tmp_path / "MCP_TOKEN")]) as one:
            await one.type("Is there a table?")
            assert server.asked == ["shitday"]
            assert one.history() == [("user", "Is there a table?"), ("assistant", "There are three, you *****.")]
            assert [event.ok for event in one.told if isinstance(event, McpServerTried)] == [True]


async def test_a_tool_server_that_is_not_there_or_refuses_breaks_no_call(
    speech: SpeechServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "MCP_TOKEN").write_text("a-wrong-token-for-the-server")
    speech.script({"say": "Hello."})
    with ToolServer() as server:
        servers = [
            server.config(tmp_path / "MCP_TOKEN"),
            {"name": "gone", "url": f"http://127.0.0.1:{free_port()}/mcp"},
            {"name": "secretless", "url": "http://127.0.0.1:9/mcp", "tokenPath": str(tmp_path / "missing")},
        ]
        async with talk(speech, FILTER, mcpServers=servers) as one:
            await one.type("hi")
            assert one.history() == [("user", "hi"), ("assistant", "Hello.")]
            tried = [(event.server, event.ok) for event in one.told if isinstance(event, McpServerTried)]
            assert sorted(set(tried)) == [("calendar", False), ("gone", False), ("secretless", False)]
            assert "a-wrong-token" not in caplog.text
            assert 'token of the tool server "secretless" is missing' in caplog.text


async def test_without_plugins_nothing_of_this_is_in_the_way(speech: SpeechServer) -> None:
    speech.script({"say": "Hello."})
    async with talk(speech) as one:
        assert type(one.session) is AgentSession
        await one.session.run(user_input="oh shit")
        assert one.history() == [("user", "oh shit"), ("assistant", "Hello.")]


async def test_the_first_sentence_is_said_while_the_model_still_speaks(speech: SpeechServer) -> None:
    from voiceagent_worker.plugins.speech import processed_stream

    went_on = asyncio.Event()

    async def answer() -> AsyncIterator[Any]:
        yield "One is said. "
        yield "Two"
        await went_on.wait()
        yield " comes later."

    async with talk(speech, FILTER) as one:
        assert one.plugins is not None
        stream = processed_stream(answer(), one.plugins)
        assert await anext(stream) == "One is said. "
        went_on.set()
        assert [chunk async for chunk in stream] == ["Two comes later."]
