"""What comes through a watch, looked at on its way to kopf.

The API server may end a watch by an error within it. kopf lists anew after one of them, 410, and ends the process
after any other: so each is given to kopf as a 410, once whoever keeps count has been told what it was. A version from
which the API server could not go on is not asked for again that way.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

GONE: Final = 410
_ERROR: Final = b'"ERROR"'
BEGIN_ANEW: Final = b'{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","code":410,"reason":"Expired"}}\n'
"""What makes kopf list anew."""


@dataclass(frozen=True, slots=True)
class WatchError:
    """What the API server said instead of going on."""

    code: int
    message: str


class _Content:
    """A response's content, of which kopf reads chunks; whatever else the connection asks of it is as it was."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)


class WatchContent(_Content):
    """The events of a watch."""

    def __init__(
        self, content: aiohttp.StreamReader, failed: Callable[[WatchError], None], went_well: Callable[[], None]
    ) -> None:
        """`failed` is told of an error, `went_well` that something else came."""
        super().__init__(content)
        self._failed = failed
        self._went_well = went_well

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """Whole lines, up to the first error; raises ClientPayloadError where the stream ends within a line."""
        rest = b""
        async for data in self._content.iter_chunked(size):
            lines, newline, rest = (rest + data).rpartition(b"\n")
            if not newline:
                continue
            error = first_error(lines)
            if error is not None:
                before, found = error
                self._failed(found)
                yield before + BEGIN_ANEW
                return
            self._went_well()
            yield lines + newline
        if rest.strip():
            raise aiohttp.ClientPayloadError("a watch ended in the midst of an event")


class RefusedContent(_Content):
    """A watch that the API server refused, for kopf to begin anew."""

    async def iter_chunked(self, _: int) -> AsyncIterator[bytes]:
        """One line."""
        yield BEGIN_ANEW


def first_error(lines: bytes) -> tuple[bytes, WatchError] | None:
    """The first error among events, one a line, and the lines before it. Pure."""
    if _ERROR not in lines:
        return None
    before = b""
    for line in lines.split(b"\n"):
        # Nearly always some object's text; only what is an error by its type is one.
        if _ERROR in line and (event := orjson.loads(line)).get("type") == "ERROR":
            return before, read_status(event.get("object") or {})
        before += line + b"\n"
    return None


def read_status(status: dict[str, Any], code: int = 0) -> WatchError:
    """What a Status says, where it says anything; `code` is the answer's own. Pure."""
    told = status.get("message") or status.get("reason") or "no reason was given"
    return WatchError(int(status.get("code") or code), str(told))
