"""The fleet as JSON, in the shape that dashboards of the single-machine system already read. Pure.

What there may be thousands of is an iterator: each item is made when its turn comes (see `json_in_turns`).
"""

from typing import Any

from voiceagent_api.worker_status import ModelUsage, TurnRecord

from voiceagent_gateway.merge import Fleet, FleetSession, MinuteBucket, Performance, average, duration_seconds
from voiceagent_gateway.model import PodView, iso


def full(fleet: Fleet) -> dict[str, Any]:
    """What `/metrics` answers."""
    return {
        "sessions": _sessions(fleet),
        "performance": _performance(fleet.performance),
        "plugins": {},
        "history": map(_bucket, fleet.history),
        "pods": map(_pod, fleet.pods),
        "test_data": fleet.has_test_data,
        "timestamp": iso(fleet.at),
    }


def simple(fleet: Fleet) -> dict[str, Any]:
    """What `/metrics/simple` answers: the numbers that fit on a tile."""
    return {
        "active_sessions": len(fleet.active),
        "recent_sessions": len(fleet.recent),
        **_performance(fleet.performance),
        "pods": len(fleet.pods),
        "stale_pods": sum(view.stale for view in fleet.pods),
        "timestamp": iso(fleet.at),
    }


def sessions(fleet: Fleet) -> dict[str, Any]:
    """What `/metrics/sessions` answers."""
    return {**_sessions(fleet), "timestamp": iso(fleet.at)}


def session(one: FleetSession, fleet: Fleet) -> dict[str, Any]:
    """One call."""
    record = one.record
    return {
        "id": record.id,
        "room": record.room,
        "namespace": one.pod.namespace,
        "agent": one.pod.agent,
        "pod": one.pod.name,
        "revision": one.pod.revision,
        "config_revision": record.config_revision,
        "outcome": one.outcome,
        "error": record.error,
        "started_at": iso(record.started_at),
        "ended_at": iso(one.ended_at) if one.ended_at else None,
        "duration_seconds": round(duration_seconds(one, fleet.at), 3),
        "turn_count": len(record.turns),
        "latency": _performance(average(record.turns)),
        "turns": [_turn(turn) for turn in record.turns],
        "usage": {
            "llm_prompt_tokens": record.llm_prompt_tokens,
            "llm_completion_tokens": record.llm_completion_tokens,
            "tts_characters": record.tts_characters,
            "stt_audio_seconds": record.stt_audio_seconds,
            "models": [_used(used) for used in record.models],
        },
        "stale": one.stale,
        "test": one.test,
    }


def _sessions(fleet: Fleet) -> dict[str, Any]:
    return {
        "active_count": len(fleet.active),
        "sessions": (session(one, fleet) for one in fleet.active),
        "recent": (session(one, fleet) for one in fleet.recent),
    }


def _performance(performance: Performance) -> dict[str, Any]:
    # A spoken agent waits for the first token, not for the last: that is the latency of its language model.
    return {
        "avg_stt_latency": _rounded(performance.stt),
        "avg_llm_latency": _rounded(performance.llm_ttft),
        "avg_tts_latency": _rounded(performance.tts_ttfb),
        "avg_ttft": _rounded(performance.llm_ttft),
        "avg_ttfb": _rounded(performance.tts_ttfb),
        "avg_e2e": _rounded(performance.e2e),
    }


def _turn(turn: TurnRecord) -> dict[str, Any]:
    return {
        "at": iso(turn.at),
        "stt_latency": _rounded(turn.stt_milliseconds),
        "ttft": _rounded(turn.llm_ttft_milliseconds),
        "ttfb": _rounded(turn.tts_ttfb_milliseconds),
        "e2e": _rounded(turn.e2e_milliseconds),
    }


def _used(usage: ModelUsage) -> dict[str, Any]:
    return {
        "provider": usage.provider,
        "model": usage.model,
        "llm_prompt_tokens": usage.llm_prompt_tokens,
        "llm_completion_tokens": usage.llm_completion_tokens,
        "tts_characters": usage.tts_characters,
        "tts_audio_seconds": usage.tts_audio_seconds,
        "stt_audio_seconds": usage.stt_audio_seconds,
    }


def _bucket(bucket: MinuteBucket) -> dict[str, Any]:
    return {
        "timestamp": iso(bucket.start),
        "sessions_ended": bucket.ended,
        "outcomes": bucket.outcomes,
        "avg_duration_seconds": _rounded(bucket.average_duration_seconds),
        "turns": bucket.performance.turns,
        **_performance(bucket.performance),
    }


def _pod(view: PodView) -> dict[str, Any]:
    status = view.status
    return {
        "namespace": view.pod.namespace,
        "agent": view.pod.agent,
        "name": view.pod.name,
        "revision": view.pod.revision,
        "phase": view.pod.phase,
        "ready": view.pod.ready,
        "terminating": view.pod.terminating,
        "registered": status.registered if status else None,
        "draining": status.draining if status else None,
        "config_revision": status.config_revision if status else None,
        "config_error": status.config_error if status else None,
        "active_sessions": sum(record.outcome == "active" for record in status.sessions) if status else 0,
        "stale": view.stale,
        "error": view.error,
        "read_at": iso(view.read_at) if view.read_at else None,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
