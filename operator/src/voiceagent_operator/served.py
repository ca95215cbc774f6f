"""What a spec may ask for that this version's worker does not do yet: told, never taken in silence. Pure."""

from voiceagent_api.voiceagent import VoiceAgentSpec

from voiceagent_operator import reasons
from voiceagent_operator.errors import Hindrance


def require_served(spec: VoiceAgentSpec) -> None:
    """Raise Hindrance with a sentence for each thing that would have no effect."""
    sentences: list[str] = []
    if spec.plugins and spec.providers.realtime is not None:
        sentences.append(
            "spec.plugins: a realtime model hears and speaks without text, so plugins cannot step in; remove them, "
            "or use stt, llm and tts."
        )
    if spec.turn_detection.mode == "stt" and spec.providers.realtime is not None:
        sentences.append(
            "spec.turnDetection.mode stt: a realtime model takes the place of speech to text; set it to vad, model or "
            "manual."
        )
    if sentences:
        raise Hindrance(reasons.NOT_SERVED, " ".join(sentences))
