"""The API keys there are, and whether a caller has one of them.

A key costs one argon2 verification, whether it is right, wrong or of a name that there is not; a few run at once in
threads of their own. A key that was right is known for some minutes by a keyed hash, until its Secret changes.
"""

import asyncio
import hashlib
import logging
import secrets
import time
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final

from voiceagent_gateway.api_keys import EntryError, KeyEntry, hash_of, key_name, new_key, parse_entry, verify
from voiceagent_gateway.identity import Identity
from voiceagent_gateway.keyed_locks import KeyedLocks
from voiceagent_gateway.kube import Kube
from voiceagent_gateway.problems import ProblemError
from voiceagent_gateway.reflector import Reflector

VERIFICATIONS: Final = 2
"""At once: each takes 19 MiB and a core."""
WAITING_MAX: Final = 32
"""Callers who may wait for one; with two at once they wait for less than a second."""
KNOWN_SECONDS: Final = 300.0
KNOWN_MAX: Final = 1000
RETRY_SECONDS: Final = 2
log = logging.getLogger(__name__)

Entries = Mapping[str, KeyEntry]


class KeyRing:
    """Knows callers by their keys."""

    def __init__(self, now: Callable[[], datetime], clock: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._clock = clock
        self._entries: Entries = {}
        self._known: dict[bytes, tuple[float, KeyEntry]] = {}
        # Of this process only: what is kept of a key in memory cannot be tried out elsewhere.
        self._secret = secrets.token_bytes(32)
        self._nobody = hash_of(new_key("nobody"))
        self._threads = ThreadPoolExecutor(VERIFICATIONS, thread_name_prefix="argon2")
        self._locks = KeyedLocks()
        self._waiting = 0

    def replace(self, entries: Entries) -> None:
        """From now on these are the keys."""
        self._entries = entries
        self._known.clear()

    async def identify(self, key: str, allow: Callable[[], Awaitable[None]]) -> Identity | None:
        """Whose key it is; None for a wrong or expired one.

        `allow` is asked before a key is verified that is not known yet, and may raise. Raises a 503 problem where too
        many others wait.
        """
        name = key_name(key)
        if name is None:
            return None
        digest = hashlib.blake2b(key.encode(), key=self._secret, digest_size=32).digest()
        entry = self._remembered(digest)
        if entry is None:
            await allow()
            # Many requests with one key at once cost one verification.
            async with self._locks.hold(digest):
                entry = self._remembered(digest) or await self._verify(name, key, digest)
        return entry.identity if entry is not None and not entry.expired(self._now()) else None

    def close(self) -> None:
        """Verify no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _remembered(self, digest: bytes) -> KeyEntry | None:
        known = self._known.get(digest)
        return known[1] if known and self._clock() - known[0] < KNOWN_SECONDS else None

    async def _verify(self, name: str, key: str, digest: bytes) -> KeyEntry | None:
        if self._waiting >= WAITING_MAX:
            raise ProblemError(
                503,
                "too-many-keys",
                "Too many keys are being checked",
                "Too many API keys are being checked. Ask again soon.",
                retry_after_seconds=RETRY_SECONDS,
            )
        entries = self._entries
        entry = entries.get(name)
        self._waiting += 1
        try:
            # A name that there is not takes as long as one that there is.
            right = await asyncio.get_running_loop().run_in_executor(
                self._threads, verify, entry.hash if entry else self._nobody, key
            )
        finally:
            self._waiting -= 1
        if entry is None or not right or (entries is not self._entries and self._entries.get(name) != entry):
            return None
        while len(self._known) >= KNOWN_MAX:
            self._known.pop(next(iter(self._known)))
        self._known[digest] = (self._clock(), entry)
        return entry


class KeySecret:
    """Keeps a key ring as its Secret is, by watching that one Secret."""

    def __init__(self, kube: Kube, namespace: str, name: str, ring: KeyRing) -> None:
        self._place = {"namespace": namespace, "secret": name}
        self._ring = ring
        self._reflector = Reflector(
            kube, f"/api/v1/namespaces/{namespace}/secrets", _data_of, name=name, changed=self._changed
        )

    async def run(self) -> None:
        """Watch until cancelled."""
        await self._reflector.run()

    def waiting_for(self) -> list[str]:
        """The Secret's API path until it has been looked for."""
        return [] if self._reflector.synced else [self._reflector.path]

    def _changed(self) -> None:
        data = next(iter(self._reflector.items), None)
        if data is None:
            log.warning("there is no Secret with API keys: nobody is let in by a key", extra=self._place)
        entries, faults = entries_of(data or {})
        for name, fault in faults.items():
            log.warning("an API key cannot be used", extra={**self._place, "entry": name, "fault": fault})
        log.info("the API keys are known", extra={**self._place, "keys": sorted(entries)})
        self._ring.replace(entries)


def entries_of(data: Mapping[str, Any]) -> tuple[dict[str, KeyEntry], dict[str, str]]:
    """The keys of a Secret's data, and what is wrong with entries that are none. Pure."""
    entries: dict[str, KeyEntry] = {}
    faults: dict[str, str] = {}
    for name, value in data.items():
        try:
            entries[name] = parse_entry(name, b64decode(str(value), validate=True))
        except Base64Error:
            faults[name] = "it is not base64"
        except EntryError as error:
            faults[name] = str(error)
    return entries, faults


def _data_of(item: Mapping[str, Any]) -> Mapping[str, Any]:
    return dict(item.get("data") or {})
