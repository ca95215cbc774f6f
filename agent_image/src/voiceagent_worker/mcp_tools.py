"""Servers of tools (Model Context Protocol) for a call.

They are reached beside the call's start, which waits for none of them: the agent has a server's tools from the
moment that it answers. One that does not answer is a log line and a metric.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from livekit.agents import Agent
from livekit.agents.llm import Tool, ToolContext, Toolset
from voiceagent_api.agent_config import McpServerConfig

from voiceagent_worker.credentials import read_mcp_token
from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.events import McpServerTried, SentEvent
from voiceagent_worker.logs import Redactor

if TYPE_CHECKING:
    from livekit.agents.llm.mcp import MCPServerHTTP

logger = logging.getLogger(__name__)

CONNECT_SECONDS: Final = 5.0
TRIES: Final = 3
PAUSE_SECONDS: Final = 2.0
"""Before the second try; twice that before the third."""
CALL_SECONDS: Final = 30.0
"""What a tool may take."""
CLOSE_SECONDS: Final = 2.0


class McpTools:
    """The tool servers of one call."""

    def __init__(
        self,
        servers: Sequence[McpServerConfig],
        session: str,
        send: Callable[[SentEvent], None],
        redactor: Redactor,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._servers = tuple(servers)
        self._session = session
        self._send = send
        self._redactor = redactor
        self._pause_seconds = pause_seconds
        self._open: list[MCPServerHTTP] = []
        self._lock = asyncio.Lock()

    async def attach(self, agent: Agent) -> None:
        """Give the agent the tools of each server as soon as it answers; returns when all have, or were given up."""
        await asyncio.gather(*(self._attach_one(server, agent) for server in self._servers))

    async def close(self) -> None:
        """Hang up."""
        servers, self._open = self._open, []
        await asyncio.gather(*map(_leave, servers))

    async def _attach_one(self, config: McpServerConfig, agent: Agent) -> None:
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(self._pause_seconds * attempt)
            try:
                tools = await self._connect(config)
            except ConfigurationError as error:
                logger.error("%s", error)
                self._tell(config, ok=False)
                return
            except Exception as error:
                # its text may quote the address or a header
                logger.warning(
                    "The tool server %s could not be reached (%s), try %d of %d; the call goes on without its tools",
                    config.name,
                    type(error).__name__,
                    attempt + 1,
                    TRIES,
                )
                self._tell(config, ok=False)
                continue
            self._tell(config, ok=True)
            await self._give(agent, config, tools)
            return

    async def _connect(self, config: McpServerConfig) -> Sequence[Tool]:
        # only where there is a tool server: the import takes a while
        from livekit.agents.llm.mcp import MCPServerHTTP

        headers = {}
        if config.token_path is not None:
            token = await asyncio.to_thread(read_mcp_token, config.name, Path(config.token_path))
            self._redactor.add(token)
            headers = {"Authorization": f"Bearer {token}"}
        server = MCPServerHTTP(
            config.url,
            transport_type="sse" if config.transport == "SSE" else "streamable_http",
            headers=headers,
            timeout=CONNECT_SECONDS,
            client_session_timeout_seconds=CALL_SECONDS,
        )
        self._open.append(server)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await server.initialize()
                return await server.list_tools()
        except BaseException:
            self._open.remove(server)
            raise

    async def _give(self, agent: Agent, config: McpServerConfig, tools: Sequence[Tool]) -> None:
        async with self._lock:
            known = set(ToolContext(agent.tools).function_tools)
            new: list[Tool | Toolset] = [tool for tool in tools if tool.id not in known]
            if len(new) < len(tools):
                twice = ", ".join(sorted(tool.id for tool in tools if tool.id in known))
                logger.warning("The tool server %s has tools of names that are taken: %s", config.name, twice)
            await agent.update_tools([*agent.tools, *new])
        logger.info("The tool server %s gives %d tools", config.name, len(new))

    def _tell(self, config: McpServerConfig, *, ok: bool) -> None:
        self._send(McpServerTried(session=self._session, server=config.name, ok=ok))


async def _leave(server: "MCPServerHTTP") -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await server.aclose()
    except Exception as error:
        logger.info("A tool server could not be left in order: %s", type(error).__name__)
