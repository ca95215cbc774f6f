"""A pod's numbers in the JSON shape of the single-machine system that this one grew from. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import fmean
from typing import Any

from voiceagent_api.worker_status import SessionRecord


def original_shape(records: Sequence[SessionRecord], now: datetime) -> dict[str, Any]:
    """Sessions that run, and averages in milliseconds over all turns that are still kept; None where none was."""
    active = [record for record in records if record.ended_at is None]
    turns = [turn for record in records for turn in record.turns]
    return {
        "sessions": {"active_count": len(active), "sessions": [_session(record, now) for record in active]},
        "performance": {
            "avg_stt_latency": _mean(turn.stt_milliseconds for turn in turns),
            # a spoken agent waits for the first token and the first sound, not for the last
            "avg_llm_latency": _mean(turn.llm_ttft_milliseconds for turn in turns),
            "avg_tts_latency": _mean(turn.tts_ttfb_milliseconds for turn in turns),
            "avg_e2e_latency": _mean(turn.e2e_milliseconds for turn in turns),
        },
        "timestamp": _iso(now),
    }


def _session(record: SessionRecord, now: datetime) -> dict[str, Any]:
    return {
        "session_id": record.id,
        "room": record.room,
        "start_time": _iso(record.started_at),
        "duration": round(max(0.0, (now - record.started_at).total_seconds()), 1),
        "turns": len(record.turns),
    }


def _mean(values: Iterable[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return round(fmean(measured), 1) if measured else None


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
