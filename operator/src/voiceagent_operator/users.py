"""Which VoiceAgents use an object of a user's: looked up when that object changes."""

from collections import defaultdict
from collections.abc import Iterable

from voiceagent_operator.objects import Key


class Users:
    """Names of objects by the VoiceAgent that uses them, and the other way round; all in one namespace each."""

    def __init__(self) -> None:
        self._used_by: dict[Key, frozenset[str]] = {}
        self._users_of: dict[Key, set[Key]] = defaultdict(set)

    def use(self, agent: Key, names: Iterable[str]) -> frozenset[str]:
        """From now on the VoiceAgent uses these and no others; returns them."""
        wanted = frozenset(names)
        before = self._used_by.pop(agent, frozenset())
        for name in before - wanted:
            where = Key(agent.namespace, name)
            self._users_of[where].discard(agent)
            if not self._users_of[where]:
                del self._users_of[where]
        for name in wanted - before:
            self._users_of[Key(agent.namespace, name)].add(agent)
        if wanted:
            self._used_by[agent] = wanted
        return wanted

    def of(self, where: Key) -> list[Key]:
        """The VoiceAgents that use an object."""
        return sorted(self._users_of.get(where, ()))
