"""The places of agents, counted anew only when something about them has changed: many ask within one reading."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import is_
from typing import Final

from voiceagent_gateway.model import AgentRef, PastSession, PodView
from voiceagent_gateway.places import Places, count_places

KEPT_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class _Counted:
    agent: AgentRef
    views: Sequence[PodView]
    past: Iterable[PastSession]
    places: Places


class CountedPlaces:
    """Remembers the last count of each agent. The values it is made of never change, so that being the same ones is
    enough."""

    def __init__(self) -> None:
        self._counted: dict[str, _Counted] = {}

    def of(self, agent: AgentRef, views: Sequence[PodView], past: Iterable[PastSession]) -> Places:
        """The agent's places; `past` may hold the sessions of others."""
        last = self._counted.get(agent.reference)
        if last and last.agent is agent and last.past is past and _same(last.views, views):
            return last.places
        own = (it for it in past if (it.pod.namespace, it.pod.agent) == (agent.namespace, agent.name))
        places = count_places(agent, views, own)
        self._counted.pop(agent.reference, None)
        while len(self._counted) >= KEPT_MAX:
            self._counted.pop(next(iter(self._counted)))
        self._counted[agent.reference] = _Counted(agent, views, past, places)
        return places


def _same(last: Sequence[PodView], views: Sequence[PodView]) -> bool:
    return len(last) == len(views) and all(map(is_, last, views))
