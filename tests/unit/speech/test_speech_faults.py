"""Faults: when they happen and what they let through."""

import asyncio

import pytest
from pydantic import ValidationError
from voiceagent_speech.errors import ApiError
from voiceagent_speech.faults import Fault, FaultBoard, FaultTripped, Guard


class RecordingWire:
    """A connection that only notes what is done to it."""

    def __init__(self) -> None:
        self.written = b""
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.written += data

    def abort(self) -> None:
        self.aborted = True

    def get_write_buffer_size(self) -> int:
        return 0


class Sender:
    def __init__(self) -> None:
        self.sent = b""

    async def __call__(self, data: bytes) -> None:
        self.sent += data


def test_a_fault_without_a_count_is_met_until_it_is_removed() -> None:
    board = FaultBoard()
    board.put("llm", Fault(kind="drop"))
    assert [board.take("llm") is not None for _ in range(3)] == [True] * 3
    assert board.take("tts") is None
    board.remove("llm")
    assert board.take("llm") is None


def test_a_fault_with_a_count_is_met_that_often() -> None:
    board = FaultBoard()
    board.put("stt", Fault(kind="drop", count=2))
    assert [board.take("stt") is not None for _ in range(3)] == [True, True, False]
    assert board.listed() == {}


@pytest.mark.parametrize(
    "fault",
    [{"kind": "melt"}, {"kind": "drop", "count": 0}, {"kind": "status", "status": 200}, {"kind": "slow", "delay": 1}],
)
def test_a_fault_that_makes_no_sense_is_refused(fault: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate(fault)


async def test_without_a_fault_everything_passes() -> None:
    send, guard = Sender(), Guard(None, None)
    await guard.open()
    await guard.write(send, b"abc")
    await guard.message(3)
    assert send.sent == b"abc"
    assert not guard.cuts_in


async def test_a_status_fault_is_an_answer_with_that_status_and_retry_after() -> None:
    guard = Guard(Fault(kind="status", status=429, retry_after_seconds=7), RecordingWire())
    with pytest.raises(ApiError) as failed:
        await guard.open()
    assert failed.value.status == 429
    assert failed.value.headers == {"Retry-After": "7"}


async def test_a_drop_without_after_bytes_cuts_before_the_answer() -> None:
    wire = RecordingWire()
    with pytest.raises(FaultTripped):
        await Guard(Fault(kind="drop"), wire).open()
    assert wire.aborted


@pytest.mark.parametrize("pieces", [[b"abcdefgh"], [b"ab", b"cd", b"ef", b"gh"], [b"abcd", b"efgh"]])
async def test_a_drop_after_bytes_lets_exactly_those_through(pieces: list[bytes]) -> None:
    wire, send = RecordingWire(), Sender()
    guard = Guard(Fault(kind="drop", after_bytes=5), wire)
    await guard.open()
    with pytest.raises(FaultTripped):
        for piece in pieces:
            await guard.write(send, piece)
    assert send.sent == b"abcde"
    assert wire.aborted


async def test_rubbish_takes_the_place_of_the_rest_of_a_body() -> None:
    wire, send = RecordingWire(), Sender()
    guard = Guard(Fault(kind="rubbish", after_bytes=2), wire)
    with pytest.raises(FaultTripped):
        await guard.write(send, b"abcdef")
    assert send.sent.startswith(b"ab\x00\xff")
    assert b"cdef" not in send.sent
    assert wire.aborted


async def test_rubbish_on_a_socket_goes_straight_to_the_wire() -> None:
    wire = RecordingWire()
    guard = Guard(Fault(kind="rubbish"), wire)
    await guard.open()
    with pytest.raises(FaultTripped):
        await guard.message(0)
    assert wire.written.startswith(b"\x00\xff")


async def test_messages_are_sent_whole_or_not_at_all() -> None:
    guard = Guard(Fault(kind="drop", after_bytes=10), RecordingWire())
    await guard.open()
    await guard.message(6)
    with pytest.raises(FaultTripped):
        await guard.message(6)


async def test_a_slow_answer_waits_once_and_then_passes() -> None:
    send = Sender()
    guard = Guard(Fault(kind="slow", delay_seconds=0.05, after_bytes=1), RecordingWire())
    began = asyncio.get_running_loop().time()
    await guard.open()
    await guard.write(send, b"abc")
    await guard.write(send, b"def")
    assert send.sent == b"abcdef"
    assert asyncio.get_running_loop().time() - began >= 0.05


async def test_a_stalled_answer_sends_nothing_more() -> None:
    send = Sender()
    guard = Guard(Fault(kind="stall", after_bytes=2), RecordingWire())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(guard.write(send, b"abc"), 0.05)
    assert send.sent == b"ab"
