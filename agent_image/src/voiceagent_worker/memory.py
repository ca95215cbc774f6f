"""What was said in a call, as text that can be left with the caller: pure.

It is kept outside the pod, among the attributes of the person in the room, and lives as long as that person stays.
Everybody in the room can see those attributes, so it is encrypted with a key made from the agent's control token and
tied to the room: only the same agent can read it, and nobody can change it unnoticed.
"""

import base64
import binascii
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

Role = Literal["user", "assistant"]

MAX_LENGTH: Final = 4096
"""Of the text. LiveKit puts a person's attributes into the token that the browser sends in an address when it
reconnects, and proxies take about 8 KB there."""
MAX_REMARKS: Final = 100
MAX_REMARK_BYTES: Final = 2000
NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_MAX_PACKED_BYTES: Final = MAX_LENGTH // 4 * 3 - NONCE_BYTES - _TAG_BYTES
_MAX_PLAIN_BYTES: Final = 1024 * 1024
_FORMAT: Final = b"voiceagents.dev/memory/1"
"""Part of the key, so that what another version wrote cannot be read rather than be misread."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What one side said."""

    role: Role
    text: str


def memory_key(control_token: str) -> bytes:
    """The key for an agent's memories."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_FORMAT).derive(control_token.encode())


def encode(remarks: Sequence[Remark], key: bytes, room: str, nonce: bytes) -> str:
    """The newest remarks that fit, encrypted. Each nonce may be used once with a key."""
    sealed = AESGCM(key).encrypt(nonce, _pack(remarks), room.encode())
    return base64.b64encode(nonce + sealed).decode()


def decode(text: str, key: bytes, room: str) -> tuple[Remark, ...] | None:
    """The remarks of a text; None if it was not made with this key for this room."""
    try:
        sealed = base64.b64decode(text, validate=True)
        packed = AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], room.encode())
        pairs = json.loads(zlib.decompressobj().decompress(packed, _MAX_PLAIN_BYTES))
        return tuple(Remark(role, text) for role, text in pairs if role in get_args(Role) and isinstance(text, str))
    except (InvalidTag, binascii.Error, zlib.error, ValueError, TypeError):
        return None


def _pack(remarks: Sequence[Remark]) -> bytes:
    newest = [(remark.role, _cut(remark.text)) for remark in remarks][-MAX_REMARKS:]
    while True:
        plain = json.dumps(newest, ensure_ascii=False, separators=(",", ":"))
        packed = zlib.compress(plain.encode(errors="replace"), 9)
        if len(packed) <= _MAX_PACKED_BYTES or not newest:
            return packed
        # the oldest go, several at a time while there are many
        newest = newest[max(1, len(newest) // 8) :]


def _cut(text: str) -> str:
    return text.encode(errors="replace")[:MAX_REMARK_BYTES].decode(errors="ignore")
