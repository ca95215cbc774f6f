"""A voice agent as livekit-agents' own examples write it: what the worker is measured beside.

It gives its call nothing but a conversation: no plugins, no metrics of the pod, no limits, no credentials from files.
"""

import os

from livekit.agents import Agent, AgentServer, AgentSession, JobContext, JobProcess, cli
from livekit.plugins import openai, silero


def prewarm(process: JobProcess) -> None:
    process.userdata["vad"] = silero.VAD.load()


# it takes every call: how many it can hold is what is measured
server = AgentServer(num_idle_processes=1, load_fnc=lambda: 0.0, setup_fnc=prewarm)


@server.rtc_session(agent_name=os.environ["BENCH_AGENT_NAME"])
async def answer(context: JobContext) -> None:
    session: AgentSession[None] = AgentSession(
        stt=openai.STT(model="whisper-1", language="en"),
        llm=openai.LLM(model="gpt-4o-mini"),
        tts=openai.TTS(model="tts-1", voice="alloy"),
        vad=context.proc.userdata["vad"],
        turn_detection="vad",
        min_endpointing_delay=0.5,
        max_endpointing_delay=3.0,
    )
    await session.start(agent=Agent(instructions="You answer the phone."), room=context.room)
    session.say("Hello, how can I help?")


if __name__ == "__main__":
    cli.run_app(server)
