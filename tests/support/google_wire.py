"""Google's speech services on loopback: gRPC, spoken well or badly, and clients that are pointed there.

Google's plugins take no address, so the test gives them a client; all behind that is real.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.cloud import texttospeech
from google.cloud.speech_v1 import SpeechAsyncClient, types
from google.cloud.speech_v1.services.speech.transports import SpeechGrpcAsyncIOTransport
from google.cloud.texttospeech_v1.services.text_to_speech.transports import TextToSpeechGrpcAsyncIOTransport
from provider_wire import SAID, SOUND, Fault

STATUSES = {
    "401": grpc.StatusCode.UNAUTHENTICATED,
    "429": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "500": grpc.StatusCode.INTERNAL,
}


@dataclass
class GoogleWire:
    """The server's state."""

    address: str
    fault: Fault = "none"
    over: asyncio.Event = field(default_factory=asyncio.Event)
    channels: list[grpc.aio.Channel] = field(default_factory=list)

    def speech_client(self) -> SpeechAsyncClient:
        return SpeechAsyncClient(transport=SpeechGrpcAsyncIOTransport(channel=self._channel()))

    def voice_client(self) -> texttospeech.TextToSpeechAsyncClient:
        return texttospeech.TextToSpeechAsyncClient(transport=TextToSpeechGrpcAsyncIOTransport(channel=self._channel()))

    def _channel(self) -> grpc.aio.Channel:
        self.channels.append(grpc.aio.insecure_channel(self.address))
        return self.channels[-1]


@asynccontextmanager
async def google_wire() -> AsyncIterator[GoogleWire]:
    """A server for as long as the block."""
    server = grpc.aio.server()
    wire = GoogleWire("")
    server.add_generic_rpc_handlers(
        [
            _service(wire, "google.cloud.speech.v1.Speech", "StreamingRecognize", _transcripts()),
            _service(wire, "google.cloud.texttospeech.v1.TextToSpeech", "StreamingSynthesize", _sounds()),
        ]
    )
    wire.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield wire
    finally:
        wire.over.set()
        for channel in wire.channels:
            await channel.close()
        await server.stop(1)


def _service(wire: GoogleWire, name: str, method: str, answers: list[bytes]) -> grpc.GenericRpcHandler:
    async def handle(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        await anext(requests)  # the settings
        await anext(requests)  # something to work on
        if wire.fault in STATUSES:
            await context.abort(STATUSES[wire.fault], "no")
        if wire.fault == "rubbish":
            yield b"\xff\xff\xff rubbish"
            return
        for number, one in enumerate(answers):
            if number == 1 and wire.fault == "stall":
                await wire.over.wait()
            if number == 1 and wire.fault == "cut":
                await context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
            yield one

    handler = grpc.stream_stream_rpc_method_handler(handle)  # bytes as they are
    return grpc.method_handlers_generic_handler(name, {method: handler})


def _transcripts() -> list[bytes]:
    def response(text: str, final: bool) -> bytes:
        result = types.StreamingRecognitionResult(
            alternatives=[types.SpeechRecognitionAlternative(transcript=text, confidence=0.9)],
            is_final=final,
            language_code="en-us",
        )
        return bytes(types.StreamingRecognizeResponse.serialize(types.StreamingRecognizeResponse(results=[result])))

    return [response(SAID[:5], False), response(SAID, True)]


def _sounds() -> list[bytes]:
    kind = texttospeech.StreamingSynthesizeResponse
    halves = (SOUND[: len(SOUND) // 2], SOUND[len(SOUND) // 2 :])
    return [bytes(kind.serialize(kind(audio_content=half))) for half in halves]
