"""What a spec may ask for that this version's worker does not do yet: told, never taken in silence. Pure."""

from voiceagent_api.voiceagent import VoiceAgentSpec

from voiceagent_operator import reasons
from voiceagent_operator.errors import Hindrance


def require_served(spec: VoiceAgentSpec) -> None:
    """Raise Hindrance with a sentence for each thing that would have no effect."""
    sentences = [
        f'spec.plugins "{plugin.name}": plugins by webhook are not served by this version; remove it.'
        for plugin in spec.plugins
        if plugin.webhook is not None
    ]
    if spec.transcripts.enabled:
        sentences.append("spec.transcripts.enabled: transcripts are not kept by this version; set it to false.")
    if sentences:
        raise Hindrance(reasons.NOT_SERVED, " ".join(sentences))
