"""Everything that a route needs, made once by the application factory and handed to each handler."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import web

from .faults import FaultBoard
from .journal import Journal, Record
from .llm import LanguageModel
from .script import Script
from .settings import Settings
from .stt import Recognizer
from .tts import Synthesizer


@dataclass
class Context:
    settings: Settings
    journal: Journal
    faults: FaultBoard
    llm: LanguageModel
    stt: Recognizer
    tts: Synthesizer
    script: Script | None = None
    sockets: set[web.WebSocketResponse] = field(default_factory=set)

    def follow(self, script: Script | None) -> None:
        """Answer by a script from now on, or by the models again."""
        self.script = script
        self.stt.scripted = script.hears if script else None
        self.tts.keep(script is not None and script.keep_voice)

    def record(self, kind: str, request: web.Request, model: str) -> Record:
        return Record(self.journal, kind, f"{request.method} {request.path}", model)


CONTEXT: web.AppKey[Context] = web.AppKey("context", Context)


def make_context(settings: Settings) -> Context:
    return Context(
        settings=settings,
        journal=Journal(enabled=settings.journal),
        faults=FaultBoard(),
        llm=LanguageModel(settings),
        stt=Recognizer(settings),
        tts=Synthesizer(settings),
    )
