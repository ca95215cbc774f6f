"""The application factory: routes, what stands before every route, and the models' life."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import WSCloseCode, web

from . import auth, deepgram_listen, deepgram_speak, openai_audio, openai_chat, sandbox_routes
from .answer import GUARD, wire_of
from .context import CONTEXT, Context
from .errors import ApiError, Vendor, deepgram_body, openai_body, vendor_of
from .faults import FaultTripped, Guard

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LOADED: web.AppKey[asyncio.Task[None]] = web.AppKey("loaded", asyncio.Task)

_BODY_LIMIT_BYTES = 32 * 1024 * 1024
_KINDS = {
    "/v1/chat/completions": "llm",
    "/v1/audio/transcriptions": "stt",
    "/v1/audio/speech": "tts",
    "/v1/listen": "stt",
    "/v1/speak": "tts",
}
_log = logging.getLogger(__name__)


def create_app(context: Context) -> web.Application:
    """The server without its models: what needs one answers 503."""
    before = [_answer_failures, _authenticate, _meet_fault]
    app = web.Application(middlewares=before, client_max_size=_BODY_LIMIT_BYTES)
    app[CONTEXT] = context
    app.add_routes(sandbox_routes.routes())
    app.add_routes(
        [
            web.get("/v1/models", openai_audio.models),
            web.post("/v1/chat/completions", openai_chat.chat_completions),
            web.post("/v1/audio/transcriptions", openai_audio.transcriptions),
            web.post("/v1/audio/speech", openai_audio.speech),
            web.get("/v1/listen", deepgram_listen.listen_stream),
            web.post("/v1/listen", deepgram_listen.listen_recording),
            web.get("/v1/speak", deepgram_speak.speak_stream),
            web.post("/v1/speak", deepgram_speak.speak_whole),
        ]
    )
    app.on_shutdown.append(_close_sockets)
    return app


def with_models(app: web.Application) -> web.Application:
    """Let the models live as long as the application does."""
    app.cleanup_ctx.append(_models)
    return app


async def load_models(context: Context) -> None:
    """Load and warm every model, all at once; the server answers health checks meanwhile."""
    began = time.monotonic()
    await asyncio.gather(context.llm.start(), context.stt.start(), context.tts.start())
    _log.info("models are warm", extra={"seconds": round(time.monotonic() - began, 2)})


async def _models(app: web.Application) -> AsyncIterator[None]:
    context = app[CONTEXT]
    task = app[LOADED] = asyncio.create_task(load_models(context))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.gather(context.tts.stop(), context.llm.stop(), context.stt.stop(), return_exceptions=True)


async def _close_sockets(app: web.Application) -> None:
    sockets = list(app[CONTEXT].sockets)
    closing = [ws.close(code=WSCloseCode.GOING_AWAY, message=b"The server is stopping.") for ws in sockets]
    await asyncio.wait_for(asyncio.gather(*closing, return_exceptions=True), 1.0)


@web.middleware
async def _answer_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    began = time.monotonic()
    request_id = str(uuid.uuid4())
    try:
        response = await handler(request)
    except FaultTripped as fault:
        # The connection is gone or garbled on purpose: whatever is returned here reaches nobody.
        _log.info("fault", extra={"path": request.path, "fault": str(fault)})
        return web.Response(status=500)
    except ApiError as error:
        response = _in_vendors_form(request, error, request_id)
    except web.HTTPException as error:
        response = _in_vendors_form(request, ApiError(error.status, error.reason), request_id)
    except (asyncio.CancelledError, ConnectionError):
        raise
    except Exception:
        _log.exception("request failed", extra={"path": request.path})
        response = _in_vendors_form(request, ApiError(500, "The sandbox's speech server failed."), request_id)
    if not response.prepared:
        name = "dg-request-id" if vendor_of(request.path) is Vendor.DEEPGRAM else "x-request-id"
        response.headers.setdefault(name, request_id)
    if request.path.startswith("/v1/"):
        fields = {"method": request.method, "path": request.path, "status": response.status}
        _log.info("request", extra={**fields, "seconds": round(time.monotonic() - began, 4)})
    return response


@web.middleware
async def _authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path.startswith("/v1/"):
        auth.check(auth.key_from(request.headers), vendor_of(request.path))
    return await handler(request)


@web.middleware
async def _meet_fault(request: web.Request, handler: Handler) -> web.StreamResponse:
    kind = _KINDS.get(request.path)
    fault = request.app[CONTEXT].faults.take(kind) if kind else None
    request[GUARD] = guard = Guard(fault, wire_of(request))
    await guard.open()
    return await handler(request)


def _in_vendors_form(request: web.Request, error: ApiError, request_id: str) -> web.Response:
    deepgram = vendor_of(request.path) is Vendor.DEEPGRAM
    body = deepgram_body(error, request_id) if deepgram else openai_body(error)
    return web.json_response(body, status=error.status, headers=error.headers)
