"""The LiveKit key of each agent: from the Secret in its own namespace, kept for half a minute at most."""

import base64
import binascii
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from voiceagent_api.names import LIVEKIT_API_KEY, LIVEKIT_API_SECRET

from voiceagent_gateway.keyed_locks import KeyedLocks
from voiceagent_gateway.kube import Kube, KubeError
from voiceagent_gateway.model import LiveKitCredentials
from voiceagent_gateway.problems import ProblemError

KEPT_SECONDS: Final = 30.0
KEPT_MAX: Final = 1000
READ_TIMEOUT_SECONDS: Final = 3.0
RETRY_SECONDS: Final = 10


class SecretCredentials:
    """Reads Secrets when they are needed; many requests for one at once cost one read."""

    def __init__(self, kube: Kube, clock: Callable[[], float] = time.monotonic) -> None:
        self._kube = kube
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[float, LiveKitCredentials]] = {}
        self._locks = KeyedLocks()

    async def read(self, namespace: str, name: str) -> LiveKitCredentials:
        """The key in the Secret. Raises a 503 problem that names the Secret and its fault."""
        place = (namespace, name)
        if known := self._fresh(place):
            return known
        async with self._locks.hold(place):
            return self._fresh(place) or await self._read(place)

    def _fresh(self, place: tuple[str, str]) -> LiveKitCredentials | None:
        kept = self._kept.get(place)
        return kept[1] if kept and self._clock() - kept[0] < KEPT_SECONDS else None

    async def _read(self, place: tuple[str, str]) -> LiveKitCredentials:
        self._kept.pop(place, None)
        namespace, name = place
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        try:
            secret = await self._kube.get(path, timeout_seconds=READ_TIMEOUT_SECONDS)
        except KubeError as error:
            raise _unreadable(namespace, name, error) from error
        credentials = credentials_from_secret(namespace, name, secret.get("data") or {})
        while len(self._kept) >= KEPT_MAX:
            self._kept.pop(next(iter(self._kept)))
        self._kept[place] = (self._clock(), credentials)
        return credentials


def credentials_from_secret(namespace: str, name: str, data: Mapping[str, Any]) -> LiveKitCredentials:
    """The key in a Secret's data. Raises a 503 problem that names the key which is missing or not text."""
    return LiveKitCredentials(
        _value(namespace, name, data, LIVEKIT_API_KEY), _value(namespace, name, data, LIVEKIT_API_SECRET)
    )


def _value(namespace: str, name: str, data: Mapping[str, Any], key: str) -> str:
    try:
        value = base64.b64decode(str(data.get(key, "")), validate=True).decode().strip()
    except (binascii.Error, UnicodeDecodeError):
        raise _problem(f'The key {key} of Secret "{name}" in namespace "{namespace}" is not text.') from None
    if not value:
        raise _problem(f'Secret "{name}" in namespace "{namespace}" has no key {key}; add it.')
    return value


def _unreadable(namespace: str, name: str, error: KubeError) -> ProblemError:
    if error.status == 404:
        return _problem(
            f'Secret "{name}" is missing in namespace "{namespace}"; make it with the keys '
            f"{LIVEKIT_API_KEY} and {LIVEKIT_API_SECRET} of the LiveKit server."
        )
    if error.status in (401, 403):
        return _problem(
            f'The gateway may not read Secret "{name}" in namespace "{namespace}"; '
            "let its service account get secrets there."
        )
    return _problem(f'Secret "{name}" in namespace "{namespace}" cannot be read now: {error}.')


def _problem(detail: str) -> ProblemError:
    return ProblemError(
        503,
        "livekit-credentials",
        "The LiveKit credentials cannot be had",
        detail,
        retry_after_seconds=RETRY_SECONDS,
    )
