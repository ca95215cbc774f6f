"""How long a language model took for its whole answer, and a voice for all of its sound."""

from collections.abc import Callable

from livekit.agents import AgentSession
from livekit.agents.metrics import LLMMetrics, TTSMetrics

from voiceagent_worker.events import ModelTimed, SentEvent


def time_models(session: AgentSession[None], session_id: str, send: Callable[[SentEvent], None]) -> None:
    """Tell of each answer by `send`; of one that was cut off nothing, since it was not whole."""

    def on_metrics(metrics: object) -> None:
        if isinstance(metrics, LLMMetrics) and not metrics.cancelled and metrics.duration > 0:
            send(ModelTimed(session=session_id, kind="llm", seconds=metrics.duration))
        if isinstance(metrics, TTSMetrics) and not metrics.cancelled and metrics.duration > 0:
            send(ModelTimed(session=session_id, kind="tts", seconds=metrics.duration))

    for model in (session.llm, session.tts):
        if model is not None and hasattr(model, "on"):
            model.on("metrics_collected", on_metrics)
