"""Objects kept in a twentieth of what they would take as dictionaries: thousands of agents must fit."""

import zlib
from typing import Final

import orjson

from voiceagent_operator.managers import essence
from voiceagent_operator.objects import Object

WINDOW_BYTES: Final = 32 * 1024
"""zlib looks back no further."""
_FAST: Final = 1


class Packer:
    """Packs the objects of one kind, which are mostly alike: what they share with the first one is kept once."""

    def __init__(self) -> None:
        self._shared: bytes | None = None

    def pack(self, body: Object) -> bytes:
        """The same bytes for the same object; who wrote it is left out, but for who made it."""
        meta = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
        created = essence(body["metadata"].get("managedFields"))
        if created:
            meta["managedFields"] = created
        text = orjson.dumps({**body, "metadata": meta})
        if self._shared is None:
            self._shared = text[-WINDOW_BYTES:]
        packer = zlib.compressobj(_FAST, zdict=self._shared)
        return packer.compress(text) + packer.flush()

    def unpack(self, packed: bytes) -> Object:
        """What was packed by this packer."""
        unpacker = zlib.decompressobj(zdict=self._shared or b"")
        body: Object = orjson.loads(unpacker.decompress(packed))
        return body
