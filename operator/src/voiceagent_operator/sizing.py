"""How many pods an agent has: what is wanted, the next step to it, and what pods are told and marked with for that."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from voiceagent_operator.agent import VoiceAgent
from voiceagent_operator.apply import Applier
from voiceagent_operator.findings import Findings
from voiceagent_operator.idle_first import Step, next_step
from voiceagent_operator.load import read_load
from voiceagent_operator.marks import MARKS, SAFE_TO_EVICT, wanted_marks
from voiceagent_operator.objects import Key, Object
from voiceagent_operator.observe import Observer
from voiceagent_operator.pods import PodView
from voiceagent_operator.readings import Reading
from voiceagent_operator.scaler import Scaler, waiting_callers
from voiceagent_operator.together import all_of

Tell = Callable[[Key, tuple[PodView, ...], tuple[PodView, ...]], Awaitable[None]]


class Sizing:
    """Brings an agent to the number of pods that it should have, without ending a call."""

    def __init__(
        self,
        scaler: Scaler,
        observer: Observer,
        applier: Applier,
        tell: Tell,
        clock: Callable[[], datetime],
    ) -> None:
        """`tell` has pods of an agent refuse calls, or take them again."""
        self._scaler = scaler
        self._observer = observer
        self._applier = applier
        self._tell = tell
        self._clock = clock

    def want(self, agent: VoiceAgent, findings: Findings) -> float | None:
        """Find out how many pods there should be; returns after how many seconds that may change by itself."""
        findings.wanted_replicas = agent.wanted_replicas
        if agent.spec.suspend or agent.spec.scaling.mode != "Sessions":
            self._scaler.forget(agent.key)
            return None
        asked = _replicas(findings.deployment)
        load = read_load(findings.pods, findings.readings, waiting_callers(findings.agent, self._clock()))
        going = len([pod for pod in findings.pods if pod.running and _draining(pod, findings.readings)])
        current = agent.wanted_replicas if asked is None else max(asked - going, 0)
        decision = self._scaler.decide(agent.key, load, agent.spec.scaling, current)
        findings.load, findings.decision, findings.wanted_replicas = load, decision, decision.replicas
        findings.at_maximum = decision.needs.now == agent.spec.scaling.max_replicas
        return decision.look_again_seconds

    async def prepare(self, agent: VoiceAgent, findings: Findings) -> Step:
        """The next step to the number that is wanted; pods are marked before it is taken. Raises ApiError."""
        step = self._step(findings)
        if await self._mark(agent, findings, step):
            findings.pods = self._observer.pods(agent.key)
            step = self._step(findings)
        findings.step = step
        return step

    async def tell(self, agent: VoiceAgent, step: Step) -> None:
        """Have pods refuse calls, or take them again. Raises ApiError."""
        await self._tell(agent.key, step.drain, step.resume)

    def forget(self, agent: Key) -> None:
        """The agent is gone."""
        self._scaler.forget(agent)

    def _step(self, findings: Findings) -> Step:
        wanted = findings.wanted_replicas or 0
        current = _replicas(findings.deployment)
        return next_step(wanted, wanted if current is None else current, findings.pods, findings.readings)

    async def _mark(self, agent: VoiceAgent, findings: Findings, step: Step) -> bool:
        given = {(k, v) for k, v in agent.spec.pod_template.annotations.items() if k in MARKS}
        changes: list[tuple[PodView, dict[str, str | None]]] = []
        for pod in findings.pods:
            if not pod.exists or pod.leaving:
                continue
            busy = _is_busy(pod, findings.readings.get(pod.uid))
            wanted = dict(given | wanted_marks(busy=busy, goes_first=pod.uid in step.first_to_go))
            change = _difference(dict(pod.marks), wanted)
            if change:
                changes.append((pod, change))
        await all_of(self._applier.mark_pod(pod, change) for pod, change in changes)
        return bool(changes)


def _replicas(deployment: Object | None) -> int | None:
    found: int | None = ((deployment or {}).get("spec") or {}).get("replicas")
    return found


def _draining(pod: PodView, readings: Mapping[str, Reading]) -> bool:
    reading = readings.get(pod.uid)
    return reading is not None and reading.draining


def _is_busy(pod: PodView, reading: Reading | None) -> bool:
    """Whether it has calls; one that cannot be asked is as it was."""
    if reading is None or not reading.reachable:
        return (SAFE_TO_EVICT, "false") in pod.marks
    return reading.active_sessions > 0


def _difference(now: Mapping[str, Any], wanted: Mapping[str, str]) -> dict[str, str | None]:
    gone: dict[str, str | None] = {name: None for name in now if name not in wanted}
    return gone | {name: value for name, value in wanted.items() if now.get(name) != value}
