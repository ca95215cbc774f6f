"""Who may be called into rooms: each agent's dispatch name, its LiveKit server, and the Secret that opens it.

Filled with each reconcile, so that a look at the rooms, which is often, costs no look at thousands of VoiceAgents.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from voiceagent_api.install import LiveKitDefaults
from voiceagent_api.names import default_agent_name

from voiceagent_operator.objects import Key, Object, metadata, place


class Access(NamedTuple):
    """A LiveKit server, and the Secret with the key to it."""

    url: str
    secret: Key


@dataclass(frozen=True, slots=True)
class Callee:
    """An agent that takes calls."""

    agent: Key
    name: str
    """By which it is dispatched."""
    access: Access


class Callees:
    """All agents that take calls; not those that are suspended, or on their way out."""

    def __init__(self, defaults: LiveKitDefaults) -> None:
        self._defaults = defaults
        self._callees: dict[Key, Callee] = {}
        self._of_access: dict[Access, dict[str, Key]] = defaultdict(dict)

    def note(self, agent: Key, body: Object | None) -> None:
        """Take in a VoiceAgent as it is now; None where it is gone."""
        self._forget(agent)
        callee = self._read(body) if body is not None else None
        if callee is not None:
            self._callees[agent] = callee
            self._of_access[callee.access].setdefault(callee.name, agent)

    def get(self, agent: Key) -> Callee | None:
        """The agent, if it takes calls."""
        return self._callees.get(agent)

    def names(self) -> Mapping[Access, Mapping[str, Key]]:
        """For each LiveKit server and Secret the agents by their dispatch names."""
        return self._of_access

    def _read(self, body: Object) -> Callee | None:
        spec = body.get("spec") or {}
        livekit = spec.get("livekit") or {}
        url = livekit.get("url") or self._defaults.url
        if "deletionTimestamp" in metadata(body) or spec.get("suspend") or not url:
            return None
        agent = place(body)
        secret = (livekit.get("credentialsSecretRef") or {}).get("name") or self._defaults.credentials_secret_name
        name = spec.get("agentName") or default_agent_name(*agent)
        return Callee(agent, name, Access(url, Key(agent.namespace, secret)))

    def _forget(self, agent: Key) -> None:
        before = self._callees.pop(agent, None)
        if before is None:
            return
        names = self._of_access[before.access]
        if names.get(before.name) == agent:
            del names[before.name]
        if not names:
            del self._of_access[before.access]
