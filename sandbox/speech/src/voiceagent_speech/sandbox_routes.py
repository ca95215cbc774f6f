"""The server's own routes: health, and what tests use to steer and to see (`/sandbox/...`)."""

from __future__ import annotations

from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from .context import CONTEXT, Context
from .errors import ApiError
from .faults import Fault
from .journal import KINDS
from .openai_chat import read_json
from .script import Script

_Model = TypeVar("_Model", bound=BaseModel)


def routes() -> list[web.RouteDef]:
    return [
        web.get("/healthz", healthz),
        web.get("/readyz", readyz),
        web.get("/sandbox/journal", get_journal),
        web.delete("/sandbox/journal", delete_journal),
        web.get("/sandbox/script", get_script),
        web.put("/sandbox/script", put_script),
        web.delete("/sandbox/script", delete_script),
        web.get("/sandbox/faults", get_faults),
        web.put("/sandbox/faults/{kind}", put_fault),
        web.delete("/sandbox/faults/{kind}", delete_fault),
    ]


async def healthz(_: web.Request) -> web.Response:
    return web.json_response({"status": "alive"})


async def readyz(request: web.Request) -> web.Response:
    context = request.app[CONTEXT]
    models = {"llm": context.llm.ready, "stt": context.stt.ready, "tts": context.tts.ready}
    return web.json_response(models, status=200 if all(models.values()) else 503)


async def get_journal(request: web.Request) -> web.Response:
    journal = request.app[CONTEXT].journal
    if not journal.enabled:
        raise ApiError(404, "The journal is off; start the server with SPEECH_JOURNAL=1.")
    kind = request.query.get("kind")
    if kind is not None and kind not in KINDS:
        raise ApiError(400, f"kind is {kind!r}; give one of {', '.join(KINDS)}.")
    limit = request.query.get("limit", "20")
    if not limit.isdecimal():
        raise ApiError(400, f"limit is {limit!r}; give a whole number.")
    return web.json_response({"entries": [entry.as_json() for entry in journal.last(kind, int(limit))]})


async def delete_journal(request: web.Request) -> web.Response:
    request.app[CONTEXT].journal.clear()
    return web.Response(status=204)


async def get_script(request: web.Request) -> web.Response:
    script = _scriptable(request).script
    return web.json_response(script.model_dump() if script else None)


async def put_script(request: web.Request) -> web.Response:
    context = _scriptable(request)
    script = _validated(Script, await read_json(request))
    context.follow(script)
    return web.json_response(script.model_dump())


async def delete_script(request: web.Request) -> web.Response:
    _scriptable(request).follow(None)
    return web.Response(status=204)


async def get_faults(request: web.Request) -> web.Response:
    listed = _breakable(request).faults.listed()
    return web.json_response({kind: fault.model_dump() for kind, fault in listed.items()})


async def put_fault(request: web.Request) -> web.Response:
    context, kind = _breakable(request), _kind(request)
    fault = _validated(Fault, await read_json(request))
    context.faults.put(kind, fault)
    return web.json_response({kind: fault.model_dump()})


async def delete_fault(request: web.Request) -> web.Response:
    _breakable(request).faults.remove(_kind(request))
    return web.Response(status=204)


def _scriptable(request: web.Request) -> Context:
    context = request.app[CONTEXT]
    if not context.settings.allow_script:
        raise ApiError(403, "The scripted mode is off; start the server with SPEECH_ALLOW_SCRIPT=1.")
    return context


def _breakable(request: web.Request) -> Context:
    context = request.app[CONTEXT]
    if not context.settings.allow_faults:
        raise ApiError(403, "Faults are off; start the server with SPEECH_ALLOW_FAULTS=1.")
    return context


def _kind(request: web.Request) -> str:
    kind = request.match_info["kind"]
    if kind not in KINDS:
        raise ApiError(404, f"There is no kind {kind!r}; use one of {', '.join(KINDS)}.")
    return kind


def _validated(model: type[_Model], body: Any) -> _Model:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise ApiError(400, f"Invalid value for {where}: {first['msg']}.") from None
