"""What of livekit-agents' console a conversation aloud uses, which is its own business there."""

import asyncio
import inspect

from livekit.agents import AgentSession
from livekit.agents.cli._legacy import AgentsConsole


async def test_the_console_has_the_sound_that_is_used_of_it() -> None:
    console = AgentsConsole()
    session: AgentSession[None] = AgentSession()
    console.acquire_io(loop=asyncio.get_running_loop(), session=session)
    assert session.input.audio is not None and session.output.audio is not None
    for use in (console.set_microphone_enabled, console.set_speaker_enabled):
        assert "enable" in inspect.signature(use).parameters
        use(False)
    await session.aclose()
