"""A conversation aloud on this machine, by livekit-agents' console: its ears and mouth, its echo cancellation.

The console is what livekit-agents itself runs agents by in a terminal. Of it only the sound is used, not its screen.
It is going to be a program of its own there; `tests/unit/worker/test_dev.py` fails when these names go away.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from livekit.agents import AgentSession
from livekit.agents.llm import ChatMessage
from livekit.agents.vad import VAD
from voiceagent_api.agent_config import AgentConfig

from voiceagent_worker.dev_talk import Person, Talk, Voice
from voiceagent_worker.errors import ConfigurationError, DependencyNotFoundError, WorkerError
from voiceagent_worker.manifest import load_manifest

LOOK_SECONDS: Final = 1.0
"""Between looks at the manifest."""
IN_WRITING: Final = "Talk in writing meanwhile, without --microphone."


async def converse_aloud(manifest: Path, environment: Mapping[str, str], person: Person) -> None:
    """Talk until interrupted. Raises WorkerError where there is no sound, or the agent cannot be made."""
    config = await asyncio.to_thread(load_manifest, manifest, environment)
    _check_devices()
    from livekit.plugins import silero

    detection = silero.VAD.load()
    now = await _begin(config, person, detection, ())
    try:
        person.show("(listening; Ctrl-C ends it)")
        while True:
            config = await _changed(manifest, environment, config, now.talk, person)
            # two cannot hear by one microphone
            now.sound.close()
            try:
                fresh = await _begin(config, person, detection, now.talk.history)
            except WorkerError as error:
                now.sound.open()
                person.show(f"({error} The agent stays as it was.)")
                continue
            await now.close()
            now = fresh
            person.show("(the manifest changed)")
    finally:
        await now.close()


class _Sound:
    """Microphone and speaker for one session."""

    def __init__(self) -> None:
        from livekit.agents.cli._legacy import AgentsConsole

        self._console = AgentsConsole()

    def attach(self, session: AgentSession[None]) -> None:
        """Have the session hear and speak by it. Raises ConfigurationError."""
        self._console.acquire_io(loop=asyncio.get_running_loop(), session=session)
        self.open()

    def open(self) -> None:
        """Raises ConfigurationError."""
        try:
            self._console.set_microphone_enabled(True)
            self._console.set_speaker_enabled(True)
        except Exception as error:
            self.close()
            raise ConfigurationError(f"The machine's sound cannot be used ({error}).", IN_WRITING) from error

    def close(self) -> None:
        """Let go of the devices."""
        self._console.set_microphone_enabled(False)
        self._console.set_speaker_enabled(False)


@dataclass(frozen=True, slots=True)
class _Aloud:
    """A conversation, and its sound."""

    talk: Talk
    sound: _Sound

    async def close(self) -> None:
        self.sound.close()
        await self.talk.close()


async def _begin(config: AgentConfig, person: Person, detection: VAD, history: Sequence[ChatMessage]) -> _Aloud:
    sound = _Sound()
    try:
        return _Aloud(await Talk.open(config, person, history, Voice(detection, sound.attach)), sound)
    except BaseException:
        sound.close()
        raise


def _check_devices() -> None:
    try:
        import sounddevice  # type: ignore[import-untyped]
    except (ImportError, OSError) as error:
        raise DependencyNotFoundError(
            f"The machine's sound cannot be used: {str(error).rstrip('.')}.",
            f"Install PortAudio, as by the package libportaudio2 of Debian and Ubuntu. {IN_WRITING}",
        ) from error
    for kind, name in (("input", "microphone"), ("output", "speaker")):
        try:
            sounddevice.query_devices(kind=kind)
        except (ValueError, sounddevice.PortAudioError) as error:
            raise ConfigurationError(f"No {name} was found on this machine.", f"Connect one. {IN_WRITING}") from error


async def _changed(
    manifest: Path, environment: Mapping[str, str], config: AgentConfig, talk: Talk, person: Person
) -> AgentConfig:
    """The manifest's next version, once nobody speaks. One that is wrong is told of once."""
    told = ""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            newer = await asyncio.to_thread(load_manifest, manifest, environment)
        except WorkerError as error:
            if str(error) != told:
                told = str(error)
                person.show(f"({error} The agent stays as it was.)")
            continue
        if newer != config and talk.session.agent_state == "listening" and talk.session.user_state != "speaking":
            return newer
