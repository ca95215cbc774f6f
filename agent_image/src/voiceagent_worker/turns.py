"""Makes turns of a conversation's messages: pure, so that it can be tested without one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from voiceagent_api.worker_status import TurnRecord


@dataclass(slots=True)
class TurnTracker:
    """Pairs what the caller said with the agent's first answer to it.

    `metrics` are those of livekit-agents' ChatMessage: seconds, each where it was measured.
    """

    _asked: Mapping[str, object] | None = field(default=None, init=False)

    def add(self, role: str, metrics: Mapping[str, object], created_at: float) -> TurnRecord | None:
        """Take in a message; the turn that it completes, if any. A greeting answers nobody and is no turn."""
        if role == "user":
            self._asked = metrics
            return None
        if role != "assistant" or self._asked is None:
            return None
        asked, self._asked = self._asked, None
        return TurnRecord(
            at=datetime.fromtimestamp(created_at, UTC),
            stt_milliseconds=_milliseconds(asked.get("transcription_delay")),
            llm_ttft_milliseconds=_milliseconds(metrics.get("llm_node_ttft")),
            tts_ttfb_milliseconds=_milliseconds(metrics.get("tts_node_ttfb")),
            e2e_milliseconds=_milliseconds(metrics.get("e2e_latency")),
        )


def _milliseconds(seconds: object) -> float | None:
    # livekit-agents gives some as -1 or 0 where nothing was measured
    return round(seconds * 1000, 1) if isinstance(seconds, int | float) and seconds > 0 else None
