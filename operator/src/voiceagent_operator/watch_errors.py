"""What went wrong with watches: counted, told of once, and followed by a pause before they begin anew."""

from collections.abc import Callable
from typing import Final

from voiceagent_operator.beginnings import Beginnings
from voiceagent_operator.errors import ApiError
from voiceagent_operator.outages import Outage
from voiceagent_operator.watch_stream import GONE, WatchError

FIRST_SECONDS: Final = 0.5
LONGEST_SECONDS: Final = 15.0
"""Of a request's 30 s: kopf counts the pause as a part of it."""
FORBIDDEN: Final = 403
NOT_FOUND: Final = 404


class WatchErrors:
    """Told by the connection of the watches what the API server said instead of going on."""

    def __init__(self, beginnings: Beginnings, count: Callable[[str, int], None]) -> None:
        """`count` is given the kind's name and the code of each error."""
        self._beginnings = beginnings
        self._count = count
        self._outages: dict[str, Outage] = {}
        self._last: dict[str, WatchError] = {}
        self._pauses: dict[str, float] = {}

    def failed(self, path: str, error: WatchError) -> None:
        """The watch on a path was refused, or ended by an error."""
        kind, namespace = self._beginnings.watched(path)
        self._count(kind.name, error.code)
        if error.code == GONE:  # the usual end of a watch that had nothing to tell for long
            return
        self._last[path] = error
        outage = self._outages.get(path)
        if outage is None:
            outage = self._outages[path] = Outage(
                "the API server refuses a watch; it begins anew, ever more seldom, until it is let",
                FIRST_SECONDS,
                kind=kind.name,
                namespace=namespace,
            )
        self._pauses[path] = min(LONGEST_SECONDS, outage.failed(ApiError(error.code, "WatchError", error.message)))

    def went_well(self, path: str) -> None:
        """The watch has told something."""
        if path in self._outages:
            self._outages.pop(path).over()
            self._last.pop(path, None)
            self._pauses.pop(path, None)

    def pause_seconds(self, path: str) -> float:
        """How long to wait before this beginning; the next needs none unless the watch fails again."""
        return self._pauses.pop(path, 0.0)

    def missing(self) -> list[str]:
        """Which watches have never begun, with the likely cause of each and the cure."""
        return [self._told(path) for path in self._beginnings.missing()]

    def _told(self, path: str) -> str:
        kind, namespace = self._beginnings.watched(path)
        what = f"{kind.plural} of namespace {namespace}" if namespace else f"{kind.plural} of all namespaces"
        return f"{what}: {likely_cause(kind.api_version, self._last.get(path))}"


def likely_cause(api_version: str, error: WatchError | None) -> str:
    """Why a watch does not begin, and what to do. Pure."""
    if error is None:
        return f"no answer yet; the API server must serve {api_version} and be reachable"
    if error.code == FORBIDDEN:
        return f"{error.message}; grant the operator what its chart or operator/rbac.yaml lists"
    if error.code == NOT_FOUND:
        return f"{error.message}; the API server must serve {api_version}: apply crds/voiceagents.yaml if it is that"
    return f"the API server answers {error.code}: {error.message}"
