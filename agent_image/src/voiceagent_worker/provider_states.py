"""What the pod knows of its providers: told by its calls, and asked by the main process itself.

A call that starts reads who is dead from a file in the run folder; calls that run are told. Knowledge grows old: a
provider that nobody has tried for a while counts as alive, so that the next call tries it.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from voiceagent_api.catalogue import ProviderKind
from voiceagent_api.worker_status import ProviderCheck

from voiceagent_worker.events import ProviderAvailability
from voiceagent_worker.whole_file import write_whole

FRESH: Final = timedelta(minutes=5)
"""For how long a failure counts that nothing was heard of since."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A provider that failed a call."""

    kind: ProviderKind
    provider: str
    why: str
    at: datetime


Failures = Mapping[str, Failure]
"""By the provider's key."""


def fresh(failures: Failures, now: datetime) -> Failures:
    """Those that still count. Pure."""
    return {key: failure for key, failure in failures.items() if now - failure.at < FRESH}


def apply(failures: Failures, event: ProviderAvailability, now: datetime) -> Failures:
    """What is known after an event. Pure."""
    rest = {key: failure for key, failure in fresh(failures, now).items() if key != event.key}
    if event.available:
        return rest
    return {**rest, event.key: Failure(event.kind, event.provider, event.message, now)}


def merge(checks: Mapping[str, ProviderCheck], failures: Failures, now: datetime) -> dict[str, ProviderCheck]:
    """What to tell of each provider: what was asked last, unless a call failed since. Pure.

    A call's failure says that the provider does not serve now, not that it never will: it is told as unknown, unless
    the provider was asked and said no.
    """
    told = dict(checks)
    for key, failure in fresh(failures, now).items():
        asked = checks.get(key)
        if asked is not None and (asked.ok is False or asked.checked_at > failure.at):
            continue
        told[key] = ProviderCheck(
            kind=failure.kind, provider=failure.provider, ok=None, message=failure.why, checked_at=failure.at
        )
    return told


def with_stand_ins(told: Mapping[str, ProviderCheck], kinds: Mapping[str, ProviderKind]) -> list[ProviderCheck]:
    """What to tell, each with whether another of its kind may step in. `kinds` are all configured keys. Pure."""

    def another(key: str, kind: str) -> bool:
        others = (other for other, its_kind in kinds.items() if its_kind == kind and other != key)
        return any((check := told.get(other)) is None or check.ok is not False for other in others)

    return [check.model_copy(update={"replaceable": another(key, check.kind)}) for key, check in told.items()]


def read_dead(path: Path) -> frozenset[str]:
    """Keys of the providers that calls of this pod found dead. Nothing where nothing is known: a call must start."""
    try:
        keys = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return frozenset()
    return frozenset(key for key in keys if isinstance(key, str)) if isinstance(keys, list) else frozenset()


@dataclass(slots=True)
class ProviderStates:
    """Holds what is known, writes it down for calls to come, and tells of changes."""

    path: Path
    clock: Callable[[], datetime]
    on_change: Callable[[ProviderAvailability], None]
    """Called when a call's news changed what is known."""
    failures: Failures = field(default_factory=dict)
    checks: dict[str, ProviderCheck] = field(default_factory=dict)

    def handle(self, event: ProviderAvailability) -> None:
        """Take in what a call tells."""
        before = self.failures.get(event.key)
        self.failures = apply(self.failures, event, self.clock())
        self.write()
        if (before is None) is not event.available:
            return
        self.on_change(event)

    def note(self, key: str, check: ProviderCheck | None) -> None:
        """Take in what a question found; None where it found nothing."""
        if check is None:
            self.checks.pop(key, None)
        else:
            self.checks[key] = check

    def keep(self, keys: Iterable[str]) -> None:
        """Forget providers that are configured no more, and failures that nobody has tried since."""
        wanted = set(keys)
        kept = {key: one for key, one in fresh(self.failures, self.clock()).items() if key in wanted}
        if len(kept) < len(self.failures):
            self.failures = kept
            self.write()
        self.checks = {key: check for key, check in self.checks.items() if key in wanted}

    def told(self) -> dict[str, ProviderCheck]:
        """What to tell of each provider, by its key."""
        return merge(self.checks, self.failures, self.clock())

    def write(self) -> None:
        """Write down who is dead, at once for every reader. A small file, in memory or on the pod's own disk."""
        write_whole(self.path, json.dumps(list(fresh(self.failures, self.clock()))))
