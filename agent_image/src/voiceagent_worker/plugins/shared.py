"""The circuit breakers of a call's plugins, which hear from the other calls of the pod.

So that a broken plugin is found out once a pod and not once a call. How the news goes round: plugin_states.py.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

from voiceagent_api.agent_config import PluginConfig

from voiceagent_worker.events import PluginAvailability, SentEvent
from voiceagent_worker.plugins.breaker import CircuitBreaker

DIGEST_CHARACTERS: Final = 16


def plugin_key(plugin: PluginConfig) -> str:
    """The same for the same plugin with the same settings, in every process of the pod. It shows no setting."""
    settings = plugin.model_dump_json(by_alias=True)
    return f"{plugin.name} {hashlib.sha256(settings.encode()).hexdigest()[:DIGEST_CHARACTERS]}"


class SharedBreakers:
    """One call's."""

    def __init__(self, session: str, send: Callable[[SentEvent], None], broken: Mapping[str, float]) -> None:
        """`broken` is what was known as the call began: seconds since each plugin, by its key, was found broken."""
        self._session = session
        self._send = send
        self._broken = broken
        self._breakers: dict[str, CircuitBreaker] = {}

    def make(self, plugin: PluginConfig, clock: Callable[[], float]) -> CircuitBreaker:
        """The breaker of a plugin; `clock` tells seconds."""
        key = plugin_key(plugin)

        def tell(available: bool) -> None:
            self._send(PluginAvailability(session=self._session, plugin=plugin.name, key=key, available=available))

        # a plugin that must succeed is asked all the same: without it the turn has no answer anyway
        breaker = CircuitBreaker(clock, tell=tell, credulous=plugin.on_error == "Skip")
        if key in self._broken:
            breaker.heard(False, self._broken[key])
        self._breakers[key] = breaker
        return breaker

    def take_in(self, key: str, available: bool) -> None:
        """What another call of this pod found."""
        breaker = self._breakers.get(key)
        if breaker is not None:
            breaker.heard(available)
