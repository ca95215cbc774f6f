"""Turns that the caller begins and ends by hand, as with push-to-talk: turnDetection.mode manual.

The client calls these methods of the agent (LiveKit's RPC): start_turn when the button goes down, end_turn when it
comes up, cancel_turn where nothing was meant.
"""

from livekit import rtc
from livekit.agents import AgentSession


def take_turns_by_hand(session: AgentSession[None], room: rtc.Room) -> None:
    """Listen only between start_turn and end_turn."""
    session.input.set_audio_enabled(False)

    async def start(_: rtc.RpcInvocationData) -> str:
        session.interrupt()
        session.clear_user_turn()
        session.input.set_audio_enabled(True)
        return ""

    async def end(_: rtc.RpcInvocationData) -> str:
        session.input.set_audio_enabled(False)
        session.commit_user_turn()
        return ""

    async def cancel(_: rtc.RpcInvocationData) -> str:
        session.input.set_audio_enabled(False)
        session.clear_user_turn()
        return ""

    for name, method in (("start_turn", start), ("end_turn", end), ("cancel_turn", cancel)):
        room.local_participant.register_rpc_method(name, method)
