"""API keys as the gateway knows them: a stored key, and the caller who has it. Pure."""

from dataclasses import dataclass, field
from datetime import datetime

from voiceagent_api.api_keys import (
    KEY_NAME,
    EntryError,
    entry_text,
    hash_of,
    key_name,
    new_key,
    parse_stored_key,
    verify,
)

from voiceagent_gateway.identity import Identity, Scope

__all__ = [
    "KEY_NAME",
    "EntryError",
    "KeyEntry",
    "entry_text",
    "hash_of",
    "key_name",
    "new_key",
    "parse_entry",
    "verify",
]


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One key's hash, and what its bearer may do."""

    hash: str = field(repr=False)
    identity: Identity

    def expired(self, now: datetime) -> bool:
        """Whether it is worth nothing any more."""
        return self.identity.expires_at is not None and self.identity.expires_at <= now


def parse_entry(name: str, value: bytes) -> KeyEntry:
    """The entry of the key with this name. Raises EntryError."""
    entry = parse_stored_key(name, value)
    scope = Scope(tuple(entry.agents), tuple(entry.rooms), entry.transcripts)
    return KeyEntry(entry.hash, Identity(f"key:{name}", (scope,), entry.metrics, entry.expires))
