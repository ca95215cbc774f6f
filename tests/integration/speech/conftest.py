"""The real server with its real models, as a program of its own, and the real livekit plugins to drive it with.

`SPEECH_PYTHON` names the interpreter that has the server's packages, where that is not the one that runs the tests.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions, llm, stt, tts
from livekit.plugins import deepgram, openai

SOURCE = Path(__file__).parents[3] / "sandbox" / "speech" / "src"
COMMAND = [os.environ.get("SPEECH_PYTHON", sys.executable), "-m", "voiceagent_speech"]
SENTENCE = "Good morning, this is Blue Dental, how can I help you today?"
ONCE = APIConnectOptions(max_retry=0, timeout=60.0)


@dataclass(frozen=True)
class Server:
    port: int
    process: subprocess.Popen[bytes]

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            text = response.read()
        return json.loads(text) if text else None

    def wait_until_ready(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.call("GET", "/readyz")
                return
            except OSError as error:
                if self.process.poll() is not None:
                    raise RuntimeError(f"the server ended with {self.process.returncode}") from error
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)


def start_server(log: Path) -> Server:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": str(SOURCE),
        "SPEECH_ALLOW_FAULTS": "1",
        "SPEECH_ALLOW_SCRIPT": "1",
    }
    command = [*COMMAND, "--port", str(port)]
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT)
    return Server(port, process)


class Plugins:
    """The plugins, set to a server, and the ways in which the tests use them."""

    def __init__(self, server: Server, http: aiohttp.ClientSession) -> None:
        self.server = server
        self._http = http

    def openai_llm(self, key: str = "sandbox") -> openai.LLM:
        return openai.LLM(model="gpt-4o-mini", base_url=f"{self.server.base}/v1", api_key=key)

    def openai_tts(self, key: str = "sandbox", **options: Any) -> openai.TTS:
        return openai.TTS(base_url=f"{self.server.base}/v1", api_key=key, **options)

    def openai_stt(self, key: str = "sandbox", model: str = "whisper-1") -> openai.STT:
        return openai.STT(base_url=f"{self.server.base}/v1", api_key=key, model=model)

    def deepgram_tts(self, key: str = "sandbox") -> deepgram.TTS:
        return deepgram.TTS(base_url=f"{self.server.base}/v1/speak", api_key=key, http_session=self._http)

    def deepgram_stt(self, key: str = "sandbox") -> deepgram.STT:
        return deepgram.STT(base_url=f"{self.server.base}/v1/listen", api_key=key, http_session=self._http)

    def chat(self, text: str, *, key: str = "sandbox", timeout: float = 60.0, **options: Any) -> llm.LLMStream:
        context = llm.ChatContext.empty()
        context.add_message(role="system", content="You answer the phone of Blue Dental, a dentist.")
        context.add_message(role="user", content=text)
        once = APIConnectOptions(max_retry=0, timeout=timeout)
        return self.openai_llm(key).chat(chat_ctx=context, conn_options=once, **options)

    async def spoken(self, voice: tts.TTS[Any], text: str = SENTENCE) -> rtc.AudioFrame:
        return await voice.synthesize(text, conn_options=ONCE).collect()

    async def spoken_on_a_stream(self, voice: deepgram.TTS, text: str = SENTENCE) -> rtc.AudioFrame:
        frames = []
        async with voice.stream(conn_options=ONCE) as stream:
            for word in text.split(" "):
                stream.push_text(f"{word} ")
            stream.end_input()
            async for audio in stream:
                frames.append(audio.frame)
        return rtc.combine_audio_frames(frames)

    async def heard_on_a_stream(
        self, ear: deepgram.STT, frame: rtc.AudioFrame, *, pace: float = 0.5
    ) -> list[stt.SpeechEvent]:
        """Push a frame in pieces of 20 ms, and a second of silence after it."""
        resampler = rtc.AudioResampler(frame.sample_rate, 16000)
        samples = b"".join(bytes(f.data) for f in [*resampler.push(frame), *resampler.flush()])
        samples += bytes(2 * 16000)
        events: list[stt.SpeechEvent] = []
        async with ear.stream(conn_options=ONCE) as stream:

            async def push() -> None:
                for at in range(0, len(samples), 640):
                    piece = samples[at : at + 640]
                    stream.push_frame(rtc.AudioFrame(piece, 16000, 1, len(piece) // 2))
                    await asyncio.sleep(0.02 * pace)
                stream.end_input()

            pushing = asyncio.create_task(push())
            try:
                async for event in stream:
                    events.append(event)
            finally:
                pushing.cancel()
                await asyncio.gather(pushing, return_exceptions=True)
        return events

    async def use(self, service: str, *, key: str = "sandbox") -> Any:
        """One small use of a plugin, by the name that the tests below give it."""
        silence = rtc.AudioFrame(bytes(16000), 16000, 1, 8000)
        if service == "openai-llm":
            return [chunk async for chunk in self.chat("Hello.", key=key)]
        if service == "openai-tts":
            return await self.spoken(self.openai_tts(key, model="tts-1"), "Hello.")
        if service == "openai-tts-events":
            return await self.spoken(self.openai_tts(key), "Hello.")
        if service == "openai-stt":
            return await self.openai_stt(key).recognize(silence, conn_options=ONCE)
        if service == "deepgram-tts":
            return await self.spoken(self.deepgram_tts(key), "Hello.")
        if service == "deepgram-tts-stream":
            return await self.spoken_on_a_stream(self.deepgram_tts(key), "Hello.")
        assert service == "deepgram-stt-stream"
        return await self.heard_on_a_stream(self.deepgram_stt(key), silence)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start_server(tmp_path_factory.mktemp("speech") / "server.log")
    try:
        running.wait_until_ready(180)
        yield running
    finally:
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(10)


@pytest.fixture
async def plugins(server: Server) -> AsyncIterator[Plugins]:
    async with aiohttp.ClientSession() as http:
        yield Plugins(server, http)
    for kind in ("llm", "stt", "tts"):
        server.call("DELETE", f"/sandbox/faults/{kind}")
    server.call("DELETE", "/sandbox/script")


@pytest.fixture
def another_server(tmp_path: Path) -> Iterator[Server]:
    """A server for a test to end."""
    running = start_server(tmp_path / "server.log")
    try:
        running.wait_until_ready(180)
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait(10)


@pytest.fixture
def run_program() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the server's program to its end, in an environment with more in it."""

    def run(**more: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(SOURCE), **more}
        return subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=120, check=False)

    return run
