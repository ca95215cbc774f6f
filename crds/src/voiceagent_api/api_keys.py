"""API keys of the gateway as they stand in their Secret: one entry a key, which has the key's hash and never the key.

Those who make keys and those who check them share this module. It needs argon2-cffi, which a part that imports it
names among its own dependencies; the others are spared it. Pure, but for the randomness of a new key.
"""

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import argon2
import yaml
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from voiceagent_api.gateway_settings import AgentPattern, RoomPattern

HASHER: Final = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""OWASP's parameters for argon2id with the least memory but one: 19 MiB, about 20 ms. The keys themselves are of 190
bits, which nobody tries out."""
MEMORY_MAX_KIB: Final = 64 * 1024
TIME_MAX: Final = 10
"""What a hash made elsewhere may cost at most."""
SECRET_LENGTH: Final = 32
ENTRY_MAX_BYTES: Final = 16 * 1024
KEY_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_KEY: Final = re.compile(rf"va_(?P<name>{KEY_NAME.pattern})_(?P<secret>[A-Za-z0-9]{{16,128}})")
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class EntryError(Exception):
    """An entry of the Secret cannot be used; the message says why, and has nothing of its value."""


def _as_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class StoredKey(BaseModel):
    """What the Secret keeps of one key."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    hash: str = Field(repr=False)
    agents: list[AgentPattern]
    rooms: list[RoomPattern] = Field(default_factory=lambda: ["*"])
    metrics: bool = False
    transcripts: bool = False
    expires: Annotated[datetime, AfterValidator(_as_utc)] | None = None


def key_name(key: str) -> str | None:
    """The name in a key, va_NAME_SECRET; None for what is no key."""
    match = _KEY.fullmatch(key)
    return match["name"] if match else None


def new_key(name: str) -> str:
    """A key that nobody can guess."""
    return f"va_{name}_" + "".join(secrets.choice(_LETTERS) for _ in range(SECRET_LENGTH))


def hash_of(key: str) -> str:
    """What the Secret keeps of a key."""
    return HASHER.hash(key)


def verify(encoded: str, key: str) -> bool:
    """Whether the hash is that of the key. Takes its time: not for the event loop."""
    try:
        return HASHER.verify(encoded, key)
    except (VerificationError, InvalidHashError):
        return False


def parse_stored_key(name: str, value: bytes) -> StoredKey:
    """The entry of the key with this name. Raises EntryError."""
    if not KEY_NAME.fullmatch(name):
        raise EntryError("a key's name has at most 63 characters, each a small letter, a digit or a hyphen inside")
    if len(value) > ENTRY_MAX_BYTES:
        raise EntryError(f"it has more than {ENTRY_MAX_BYTES} bytes")
    try:
        data: Any = yaml.safe_load(value)
        entry = StoredKey.model_validate(data if isinstance(data, dict) else {})
        parameters = argon2.extract_parameters(entry.hash)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise EntryError("it is neither YAML nor JSON") from None
    except InvalidHashError:
        raise EntryError("hash is not one of argon2; make the entry with make-key") from None
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise EntryError(f"it is wrong at {wrong}") from None
    if parameters.type is not argon2.Type.ID:
        raise EntryError("hash is not one of argon2id; make the entry with make-key")
    if parameters.memory_cost > MEMORY_MAX_KIB or parameters.time_cost > TIME_MAX:
        raise EntryError(f"its hash costs more than {MEMORY_MAX_KIB // 1024} MiB and {TIME_MAX} rounds")
    return entry


def entry_text(
    encoded: str,
    agents: list[str],
    rooms: list[str],
    metrics: bool,
    expires: datetime | None,
    transcripts: bool = False,
) -> str:
    """The entry as YAML. Raises EntryError where it could not be read again."""
    data: Mapping[str, Any] = {
        "hash": encoded,
        "agents": agents,
        "rooms": rooms,
        **({"metrics": True} if metrics else {}),
        **({"transcripts": True} if transcripts else {}),
        **({"expires": expires.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")} if expires else {}),
    }
    text = yaml.safe_dump(data, sort_keys=False)
    parse_stored_key("name", text.encode())
    return text


def expiry(text: str | None, now: datetime) -> datetime | None:
    """The moment that a date such as 2027-01-31, or days such as 90d, mean; None where nothing is said.

    Raises ValueError, for a moment that is past too.
    """
    if text is None:
        return None
    until = now + timedelta(days=int(text[:-1])) if text.endswith("d") else _as_utc(datetime.fromisoformat(text))
    if until <= now:
        raise ValueError("past")
    return until
