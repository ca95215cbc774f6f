"""How an agent is doing, as its conditions tell. Pure: the clock is handed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from voiceagent_api.status import CONDITION_READY, CONDITION_RECONCILING, CONDITION_STALLED

from voiceagent_cli.rows import TITLES, object_name
from voiceagent_cli.tables import Answer, age

HEADERS: Final = ("NAME", "READY", "SESSIONS", "LLM", "STT", "TTS", "AGE", "REASON")


@dataclass(frozen=True, slots=True)
class Progress:
    """Whether the newest spec runs."""

    done: bool
    failed: bool
    message: str


def progress_of(agent: Mapping[str, Any]) -> Progress:
    """How far the rollout of an agent's newest spec is."""
    generation = agent["metadata"].get("generation")
    ready, moving, stalled = (_condition(agent, kind) for kind in _OF_A_ROLLOUT)
    if not ready or ready.get("observedGeneration") != generation:
        return Progress(False, False, "The operator has not seen the newest spec yet.")
    message = str(ready.get("message", ""))
    if stalled.get("status") == "True":
        return Progress(False, True, str(stalled.get("message") or message))
    if ready.get("status") == "True" and moving.get("status") == "False":
        return Progress(True, False, message)
    return Progress(False, False, str(moving.get("message") if ready.get("status") == "True" else message))


def status_answer(agents: Sequence[Mapping[str, Any]], now: datetime, *, namespaces: bool = False) -> Answer:
    """A line for each agent."""
    rows = [status_row(agent, now, namespaces=namespaces) for agent in agents]
    headers = (("NAMESPACE", *HEADERS)) if namespaces else HEADERS
    return Answer(list(agents), headers, rows, [object_name(agent["metadata"]["name"]) for agent in agents])


def status_row(agent: Mapping[str, Any], now: datetime, *, namespaces: bool = False) -> tuple[Any, ...]:
    """An agent in one line."""
    meta, status = agent["metadata"], agent.get("status") or {}
    providers = (agent.get("spec") or {}).get("providers") or {}
    row = (
        meta["name"],
        status.get("readySummary"),
        status.get("sessionsSummary"),
        *((providers.get(kind) or providers.get("realtime") or {}).get("provider") for kind in ("llm", "stt", "tts")),
        age((now - moment(meta["creationTimestamp"])).total_seconds()),
        _condition(agent, CONDITION_READY).get("reason"),
    )
    return (meta["namespace"], *row) if namespaces else row


def detail_answer(agent: Mapping[str, Any]) -> Answer:
    """One agent's numbers, and each of its conditions in words."""
    status = agent.get("status") or {}
    latency = status.get("latency") or {}
    rows: list[tuple[Any, ...]] = [
        ("Name", f"{agent['metadata']['namespace']}/{agent['metadata']['name']}"),
        ("Dispatch name", status.get("agentName")),
        ("Ready pods", status.get("readySummary")),
        ("Sessions", status.get("sessionsSummary")),
        ("Revision", status.get("revision")),
        ("Config", status.get("configRevision")),
    ]
    if latency:
        rows.append(
            ("Latency", f"P50 {latency.get('e2eP50Milliseconds')} ms, P95 {latency.get('e2eP95Milliseconds')} ms")
        )
    rows += [
        (
            "Draining",
            f"{one['pods']} pods of {one['revision']}, {one['sessions']} sessions, until {one.get('deadline')}",
        )
        for one in status.get("draining") or ()
    ]
    rows += [
        (one["type"], f"{one['status']} {one['reason']}: {one['message']}") for one in status.get("conditions") or ()
    ]
    return Answer(agent, (), rows, [object_name(agent["metadata"]["name"])])


def providers_summary(spec: Mapping[str, Any]) -> str:
    """Who hears, thinks and speaks, in one cell."""
    providers = spec.get("providers") or {}
    return ", ".join(
        f"{title} {providers[kind].get('provider')}/{providers[kind].get('model', 'default')}"
        for kind, title in TITLES.items()
        if providers.get(kind)
    )


def moment(text: str) -> datetime:
    """A time as Kubernetes writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


_OF_A_ROLLOUT: Final = (CONDITION_READY, CONDITION_RECONCILING, CONDITION_STALLED)


def _condition(agent: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    conditions = (agent.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one.get("type") == kind), {})
