"""Says a given sentence, whoever gives the agent its voice."""

from livekit.agents import AgentSession, llm
from livekit.agents.voice import SpeechHandle

VERBATIM = "Say exactly the following and nothing else: {}"


def speak(session: AgentSession[None], text: str, allow_interruptions: bool = True) -> SpeechHandle:
    """Have a sentence spoken. Raises RuntimeError where the session is closed.

    A realtime model has no voice that could be given a text: it is asked to say it.
    """
    model = session.llm
    if isinstance(model, llm.RealtimeModel) and session.tts is None and not model.capabilities.supports_say:
        return session.generate_reply(instructions=VERBATIM.format(text), allow_interruptions=allow_interruptions)
    return session.say(text, allow_interruptions=allow_interruptions)
