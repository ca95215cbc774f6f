"""Remembers what each agent needed lately, so that `scaling` can say how many pods it should have now."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from voiceagent_api.running import Scaling

from voiceagent_operator.objects import Key, Object
from voiceagent_operator.scaling import Decision, Limits, Load, Needs, decide

DEMAND_HOLDS: Final = timedelta(seconds=60)
"""A gateway that was killed leaves callers in a status who wait no more."""
SLEEP_LEAST_SECONDS: Final = 30.0
"""A caller for whom an agent woke has a token before a call: so long it must not fall asleep again."""


class Scaler:
    """One memory for all agents."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._needs: dict[Key, Needs] = {}

    def decide(self, agent: Key, load: Load, scaling: Scaling, current: int) -> Decision:
        """How many pods an agent should have, with `current` being asked for now."""
        decision = decide(load, limits_of(scaling), current, self._needs.get(agent), self._clock())
        self._needs[agent] = decision.needs
        return decision

    def forget(self, agent: Key) -> None:
        """The agent is gone, or scales in another way."""
        self._needs.pop(agent, None)


def limits_of(scaling: Scaling) -> Limits:
    """The limits that a spec sets."""
    least_seconds = SLEEP_LEAST_SECONDS if scaling.min_replicas == 0 else 0.0
    return Limits(
        min_replicas=scaling.min_replicas,
        max_replicas=scaling.max_replicas,
        sessions_per_replica=scaling.sessions_per_replica,
        warm_sessions=scaling.warm_sessions,
        window_seconds=max(float(scaling.scale_down_stabilization_seconds), least_seconds),
    )


def waiting_callers(agent: Object, now: datetime) -> int:
    """How many callers wait for a place, as the gateway last wrote."""
    demand: dict[str, Any] = (agent.get("status") or {}).get("demand") or {}
    asked = demand.get("lastAskedTime")
    if not asked or now - datetime.fromisoformat(asked) > DEMAND_HOLDS:
        return 0
    return int(demand.get("waiting") or 0)
