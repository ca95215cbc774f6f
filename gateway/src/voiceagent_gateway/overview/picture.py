"""The whole fleet as one document, from what the gateway's parts know. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from voiceagent_api.names import default_agent_name
from voiceagent_api.status import DrainingPods, Usage
from voiceagent_api.worker_status import TurnRecord

from voiceagent_gateway.draining import draining_pods
from voiceagent_gateway.merge import WINDOW, FleetSession, average, end_of, merge
from voiceagent_gateway.model import AgentRef, PastSession, PodRef, PodView, as_utc, iso
from voiceagent_gateway.overview.attention import concerns, health_of, in_order
from voiceagent_gateway.overview.document import (
    AgentDocument,
    Attention,
    ConditionDocument,
    DrainingDocument,
    FleetDocument,
    LatencyDocument,
    LiveSession,
    PodDocument,
    PodState,
    RevisionDocument,
    UsageDocument,
)
from voiceagent_gateway.usage.prices import money

LIVE_MAX: Final = 50
"""Calls told of one by one, of each agent."""
Agent = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One agent as it is shown, and what needs a look about it."""

    document: AgentDocument
    attention: tuple[Attention, ...]


@dataclass(slots=True)
class _Of:
    """What there is of one agent."""

    pods: list[PodView] = field(default_factory=list)
    active: list[FleetSession] = field(default_factory=list)
    recent: list[FleetSession] = field(default_factory=list)


def picture(
    agents: Sequence[AgentRef],
    pods: Sequence[PodRef],
    views: Sequence[PodView],
    past: Iterable[PastSession],
    usage: Callable[[AgentRef], Usage],
    now: datetime,
) -> list[Seen]:
    """All agents there are, and those deleted whose pods still run, in the order of their names.

    `pods` are those the API server tells of now, `views` and `past` what was last read from them.
    """
    now = as_utc(now)
    draining = draining_pods(pods, views)
    of: dict[Agent, _Of] = defaultdict(_Of)
    last = {view.pod.uid: view for view in views}
    for pod in pods:
        if not pod.over:
            view = last.get(pod.uid)
            shown = PodView(pod) if view is None else PodView(pod, view.status, view.read_at, view.error, view.failures)
            of[pod.namespace, pod.agent].pods.append(shown)
    fleet = merge(views, (session for session in past if not session.test), now)
    for session in fleet.active:
        of[session.pod.namespace, session.pod.agent].active.append(session)
    for session in fleet.recent:
        of[session.pod.namespace, session.pod.agent].recent.append(session)
    known = {(agent.namespace, agent.name): agent for agent in agents}
    gone = [AgentRef(*key, default_agent_name(*key)) for key in draining if key not in known]
    seen = [
        _agent(agent, key not in known, of[key], draining.get(key, ()), usage(agent), now)
        for agent in [*known.values(), *gone]
        for key in [(agent.namespace, agent.name)]
    ]
    return sorted(seen, key=lambda one: (one.document.namespace, one.document.name))


def document(seen: Sequence[Seen]) -> FleetDocument:
    """These agents as one answer."""
    costs = [one.document.usage.cost for one in seen]
    known = [Decimal(cost) for cost in costs if cost is not None]
    return FleetDocument(
        sessions=sum(one.document.sessions for one in seen),
        capacity=sum(one.document.capacity for one in seen),
        cost=money(sum(known, Decimal(0))) if known else None,
        currency=next((one.document.usage.currency for one in seen if one.document.usage.currency), None),
        attention=in_order(found for one in seen for found in one.attention),
        agents=[one.document for one in seen],
    )


def _agent(
    agent: AgentRef, deleted: bool, of: _Of, draining: Sequence[DrainingPods], usage: Usage, now: datetime
) -> Seen:
    pods = [_pod(view, agent) for view in of.pods]
    drains = [DrainingDocument.model_validate(one.model_dump()) for one in draining]
    latency = _latency([*of.active, *of.recent], now)
    ended = dict(Counter(session.outcome for session in of.recent))
    found = concerns(agent, pods, drains, latency, ended, deleted, now)
    open_ = [pod for pod in pods if pod.state == "ready"]
    shown = AgentDocument(
        namespace=agent.namespace,
        name=agent.name,
        agent_name=agent.agent_name,
        health=health_of(agent, found, pods, deleted),
        language=agent.language,
        ready_summary=agent.ready_summary,
        sessions=len(of.active),
        capacity=sum(pod.capacity for pod in open_),
        conditions=[
            ConditionDocument(
                type=one.type,
                status=one.status,
                reason=one.reason,
                message=one.message,
                since=one.last_transition_time,
            )
            for one in agent.conditions
        ],
        pods=pods,
        draining=drains,
        revisions=_revisions(pods, agent.revision),
        latency=latency,
        ended=ended,
        usage=_usage(usage, agent),
        live=[_live(session, agent) for session in reversed(of.active[-LIVE_MAX:])],
    )
    return Seen(shown, tuple(found))


def _pod(view: PodView, agent: AgentRef) -> PodDocument:
    status, pod = view.status, view.pod
    told = status.session_capacity if status else None
    return PodDocument(
        name=pod.name,
        revision=pod.revision,
        state=_state(view),
        sessions=sum(end_of(record) is None for record in status.sessions) if status else 0,
        capacity=agent.sessions_per_pod if told is None else told,
        stale=view.stale,
        error=view.error or (status.config_error if status else None),
        deadline=pod.deadline,
    )


def _state(view: PodView) -> PodState:
    status = view.status
    if view.pod.terminating or (status is not None and status.draining):
        return "draining"
    if view.pod.ready:
        return "ready"
    # One that has answered, and is not ready all the same, has lost something: LiveKit, or a probe.
    return "starting" if status is None else "unready"


def _revisions(pods: Sequence[PodDocument], current: str) -> list[RevisionDocument]:
    of: dict[str, list[PodDocument]] = defaultdict(list)
    for pod in pods:
        of[pod.revision].append(pod)
    return [
        RevisionDocument(
            revision=revision,
            current=revision == current,
            pods=len(those),
            ready=sum(pod.state == "ready" for pod in those),
            sessions=sum(pod.sessions for pod in those),
        )
        for revision, those in sorted(of.items(), key=lambda item: (item[0] != current, item[0]))
    ]


def _latency(sessions: Iterable[FleetSession], now: datetime) -> LatencyDocument:
    turns = [turn for session in sessions for turn in session.record.turns if as_utc(turn.at) > now - WINDOW]
    waits = sorted(turn.e2e_milliseconds for turn in turns if turn.e2e_milliseconds is not None)
    means = average(turns)
    return LatencyDocument(
        e2e_p50=_percentile(waits, 50),
        e2e_p95=_percentile(waits, 95),
        stt=_rounded(means.stt),
        llm_ttft=_rounded(means.llm_ttft),
        tts_ttfb=_rounded(means.tts_ttfb),
        turns=len(waits),
    )


def _percentile(ordered: Sequence[float], percent: int) -> float | None:
    """The least value that so many percent do not exceed."""
    return _rounded(ordered[-(-len(ordered) * percent // 100) - 1]) if ordered else None


def _usage(usage: Usage, agent: AgentRef) -> UsageDocument:
    return UsageDocument(
        cost=usage.cost,
        currency=usage.currency,
        unpriced=list(usage.unpriced or ()),
        budget_per_day=agent.budget.per_day if agent.budget else None,
        on_exceeded=agent.budget.on_exceeded if agent.budget else None,
    )


def _live(session: FleetSession, agent: AgentRef) -> LiveSession:
    record = session.record
    return LiveSession(
        id=record.id,
        room=record.room,
        pod=session.pod.name,
        revision=session.pod.revision,
        started_at=iso(record.started_at),
        turns=len(record.turns),
        last_turn_at=_last(record.turns),
        e2e=_rounded(average(record.turns).e2e),
        caller_words=record.caller_words,
        agent_words=record.agent_words,
        last_said_at=iso(record.last_said_at) if record.last_said_at else None,
        transcript=record.transcribed and agent.transcript_hours is not None,
        stale=session.stale,
    )


def _last(turns: Sequence[TurnRecord]) -> str | None:
    return iso(turns[-1].at) if turns else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
