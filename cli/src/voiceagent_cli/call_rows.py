"""Calls and metrics of the gateway as answers. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from voiceagent_cli.tables import Answer, age

_TITLES = {
    "active_sessions": "Calls now",
    "recent_sessions": "Ended within the hour",
    "avg_stt_latency": "STT latency, ms",
    "avg_llm_latency": "LLM latency, ms",
    "avg_tts_latency": "TTS latency, ms",
    "avg_ttft": "Time to first token, ms",
    "avg_ttfb": "Time to first byte, ms",
    "avg_e2e": "Whole answer, ms",
    "pods": "Pods",
    "stale_pods": "Pods that do not answer",
    "timestamp": "As of",
}


def sessions_answer(answer: Mapping[str, Any], agent: str | None, namespace: str | None, *, ended: bool) -> Answer:
    """The calls now, and on request those that ended within the hour; of all agents or of one."""
    calls = [*answer["sessions"], *(answer["recent"] if ended else ())]
    chosen = [
        call
        for call in calls
        if agent in (None, call["agent"]) and (namespace is None or namespace == call["namespace"])
    ]
    rows = [
        (
            f"{call['namespace']}/{call['agent']}",
            call["room"],
            call["outcome"],
            age(call["duration_seconds"]),
            call["turn_count"],
            (call.get("latency") or {}).get("avg_e2e"),
            call["pod"],
        )
        for call in chosen
    ]
    return Answer(chosen, ("AGENT", "ROOM", "STATE", "TIME", "TURNS", "E2E MS", "POD"), rows, _ids(chosen))


def metrics_answer(simple: Mapping[str, Any]) -> Answer:
    """The numbers that fit on a tile."""
    rows = [(_TITLES.get(name, name), value) for name, value in simple.items()]
    return Answer(dict(simple), (), rows, [f"{name}={value}" for name, value in simple.items()])


def token_answer(token: Mapping[str, Any]) -> Answer:
    """A token and how to use it; the token alone by name."""
    rows = [(name.replace("_", " "), value) for name, value in token.items()]
    return Answer(dict(token), (), rows, [str(token["token"])])


def _ids(calls: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(call["id"]) for call in calls]
