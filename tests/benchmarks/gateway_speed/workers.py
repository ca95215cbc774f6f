"""A stand-in for many workers' `/status`, in one process: each pod answers at an address of its own on loopback.

What they say is what real workers do (5 calls now and 5 that ended within the hour, 6 turns each, the fields and the
length of real ones). Each answer has another time than the last, and one turn more or less in each of the calls: more
changes than real calls make in 5 s. Run as a program: the port, the number of pods, and how many calls each takes at
once. It writes a line once it listens, and one for each line that it reads, with the number of answers until then.
"""

import asyncio
import itertools
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gateway_speed.fleet import Pod, pods
from voiceagent_api.worker_status import ModelUsage, SessionRecord, TurnRecord, WorkerStatus
from voiceagent_worker.original_shape import original_shape

ACTIVE = 5
ENDED = 5
TURNS = 6
_BEGAN = datetime.now(UTC)
_CLOCK = b"2000-01-01T00:00:00.000Z"
"""Where an answer's time stands; as long as any other."""


class Workers:
    """All of them."""

    def __init__(self, capacity: int) -> None:
        self.answers = 0
        self._capacity = capacity

    async def listen(self, pod: Pod, port: int) -> None:
        """Answer for a pod from now on."""
        answers = itertools.cycle([self._answer(pod, turns) for turns in (TURNS, TURNS + 1)])
        await asyncio.get_running_loop().create_server(lambda: _Connection(self, answers), pod.address, port)

    def _answer(self, pod: Pod, turns: int) -> tuple[bytes, bytes]:
        """What comes before the time, and what after it."""
        body = status(pod, self._capacity, turns).model_dump_json(by_alias=True).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        before, _, after = (head.encode() + body).rpartition(_CLOCK)
        return before, after


class _Connection(asyncio.Protocol):
    def __init__(self, workers: Workers, answers: Iterator[tuple[bytes, bytes]]) -> None:
        self._workers = workers
        self._answers = answers
        self._asked = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._asked += data
        if self._asked.endswith(b"\r\n\r\n") and self._transport is not None:
            self._asked = b""
            self._workers.answers += 1
            now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
            before, after = next(self._answers)
            self._transport.write(b"".join((before, now, after)))


def status(pod: Pod, capacity: int, turns: int = TURNS) -> WorkerStatus:
    """What the pod says, where each call has so many turns by now."""
    now = _BEGAN
    records = [_record(pod, number, now, turns if number < ACTIVE else TURNS) for number in range(ACTIVE + ENDED)]
    shape = original_shape(records, now) | {"timestamp": _CLOCK.decode()}
    return WorkerStatus(
        namespace="calls", agent=pod.agent, agent_name=f"calls-{pod.agent}", pod=pod.name, revision="r1",
        process="0d8f6c0f", started_at=now - timedelta(hours=3), config_revision="5f0c7a19", registered=True,
        draining=False, session_capacity=capacity, sessions=records, metrics=shape,
    )  # fmt: skip


def _record(pod: Pod, number: int, now: datetime, turns: int) -> SessionRecord:
    started = now - timedelta(minutes=8 + 5 * number)
    over = number >= ACTIVE
    said = [
        TurnRecord(
            at=started + timedelta(seconds=20 * turn),
            stt_milliseconds=213.41 + turn,
            llm_ttft_milliseconds=348.27 + turn,
            tts_ttfb_milliseconds=187.93 + turn,
            e2e_milliseconds=912.64 + turn,
        )
        for turn in range(turns)
    ]
    models = [
        ModelUsage(provider="openai", model="gpt-4o-mini", llm_prompt_tokens=2140, llm_completion_tokens=310),
        ModelUsage(provider="openai", model="tts-1", tts_characters=1204, tts_audio_seconds=81.2),
        ModelUsage(provider="deepgram", model="nova-3", stt_audio_seconds=64.4),
    ]
    return SessionRecord(
        id=f"AJ_{pod.name}-{number}", room=f"{pod.agent}-4be1c2d8f1a94c70b3e6-{pod.name}-{number}",
        started_at=started, ended_at=started + timedelta(minutes=3) if over else None, config_revision="5f0c7a19",
        outcome="completed" if over else "active", turns=said, plugins=["profanity_filter"],
        llm_prompt_tokens=2140, llm_completion_tokens=310, tts_characters=1204, stt_audio_seconds=64.4, models=models,
    )  # fmt: skip


async def main(port: int, count: int, capacity: int) -> None:
    """Answer until the input ends."""
    workers = Workers(capacity)
    for pod in pods(count):
        await workers.listen(pod, port)
    print("listening", flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(workers.answers, flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
