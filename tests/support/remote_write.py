"""Samples as Prometheus takes them in by remote write (version 1): a protobuf, compressed by snappy's block format.

Only what a test needs of the two: each value is written in the plainest way that they allow.
"""

import struct
from collections.abc import Iterable, Mapping

from prometheus_client.parser import text_string_to_metric_families

HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}


def write_request(text: str, at_milliseconds: int) -> bytes:
    """The body of a request with all samples of an exposition at one moment."""
    series = [
        _series({"__name__": sample.name, **sample.labels}, sample.value, at_milliseconds)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]
    return _snappy(b"".join(_field(1, one) for one in series))


def _series(labels: Mapping[str, str], value: float, at: int) -> bytes:
    named = b"".join(_field(1, _field(1, name.encode()) + _field(2, labels[name].encode())) for name in sorted(labels))
    sample = b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(at)
    return named + _field(2, sample)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _snappy(content: bytes) -> bytes:
    """Literals only: compressed to a little more than it was."""
    return _varint(len(content)) + b"".join(_literals(content))


def _literals(content: bytes) -> Iterable[bytes]:
    for start in range(0, len(content), 0x10000):
        part = content[start : start + 0x10000]
        yield bytes([61 << 2]) + struct.pack("<H", len(part) - 1) + part
