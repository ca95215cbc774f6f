"""Watches the models of a call: which of them failed, and which answer again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import stt
from voiceagent_api.agent_config import ProviderConfig
from voiceagent_api.catalogue import ProviderKind

from voiceagent_worker.config import provider_key
from voiceagent_worker.events import ProviderAvailability, ProviderFailed
from voiceagent_worker.providers.failures import failure_sentence
from voiceagent_worker.providers.fallbacks import Adapter, heard_again, set_available

Tell = Callable[[ProviderFailed | ProviderAvailability], None]


@dataclass(slots=True)
class Watched:
    """A model that was made, and its place among those that it shares its work with."""

    kind: ProviderKind
    config: ProviderConfig
    model: Any
    adapter: Adapter | None = None
    place: int = 0
    available: bool = True
    why: str = ""
    """Why it is not available, in a sentence."""

    @property
    def key(self) -> str:
        """Which provider this is."""
        return provider_key(self.kind, self.config)


@dataclass(slots=True)
class Availability:
    """What is known of a call's models."""

    models: list[Watched] = field(default_factory=list)
    missing: list[tuple[ProviderKind, ProviderConfig, str]] = field(default_factory=list)
    """Those that could not even be made, and why."""

    def report(self, session_id: str, tell: Tell) -> None:
        """Tell of every failure from now on, and of every change."""
        for kind, config, why in self.missing:
            tell(_changed(session_id, kind, config, False, why))
        for watched in self.models:
            self._watch(watched, session_id, tell)

    def take_in(self, key: str, available: bool) -> None:
        """What another call of this pod found."""
        for watched in self.models:
            if watched.key == key and watched.adapter is not None:
                set_available(watched.adapter, watched.place, available)

    def worked(self, kind: ProviderKind, session_id: str, tell: Tell) -> None:
        """Something came of a kind: where one model serves it alone, it was that."""
        for watched in self.models:
            if watched.kind == kind and watched.adapter is None:
                self._set(watched, True, "", session_id, tell)

    def failed(self, kind: ProviderKind, error: BaseException, session_id: str, tell: Tell) -> None:
        """A model that cannot be watched failed for good."""
        for watched in self.models:
            if watched.kind == kind:
                self._set(watched, False, failure_sentence(kind, watched.config, error), session_id, tell)

    def reasons(self, kind: ProviderKind) -> list[str]:
        """Why the models of a kind are not available, a sentence each."""
        made = [watched.why for watched in self.models if watched.kind == kind and not watched.available]
        return [*made, *(why for missing, _, why in self.missing if missing == kind)]

    def _watch(self, watched: Watched, session_id: str, tell: Tell) -> None:
        def on_error(error: Any) -> None:
            tell(ProviderFailed(session=session_id, kind=watched.kind, provider=watched.config.provider))
            if not error.recoverable:
                why = failure_sentence(watched.kind, watched.config, error.error)
                self._set(watched, False, why, session_id, tell)

        def on_success(*_: Any) -> None:
            self._set(watched, True, "", session_id, tell)

        def on_change(change: Any) -> None:
            if watched.adapter is not None and heard_again(watched.adapter, watched.place, change):
                on_success()

        if watched.kind == "realtime":
            return  # it has no events of its own before its session, and that tells of its errors
        watched.model.on("error", on_error)
        if watched.kind != "stt":
            # speech to text measures also while it understands nothing
            watched.model.on("metrics_collected", on_success)
        elif isinstance(watched.adapter, stt.FallbackAdapter):
            watched.adapter.on("stt_availability_changed", on_change)

    def _set(self, watched: Watched, available: bool, why: str, session_id: str, tell: Tell) -> None:
        changed = watched.available != available
        watched.available, watched.why = available, why
        if not changed:
            return
        tell(_changed(session_id, watched.kind, watched.config, available, why))


def _changed(
    session_id: str, kind: ProviderKind, config: ProviderConfig, available: bool, why: str
) -> ProviderAvailability:
    return ProviderAvailability(
        session=session_id,
        kind=kind,
        provider=config.provider,
        key=provider_key(kind, config),
        available=available,
        message=why,
    )
