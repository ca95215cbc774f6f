"""The connection that kopf watches through: authenticated as the operator's own client is, told of when a watch
begins, and where it is wished with Secrets as metadata only, so that no value of one ever comes to this process.

Whatever the API server answers, watches go on: kopf would end the process after most refusals.
"""

import asyncio
from typing import Any, Final

import aiohttp
import kopf
import orjson
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from kubernetes.aio.client.configuration import Configuration
from yarl import URL

from voiceagent_operator.beginnings import Beginnings
from voiceagent_operator.client import METADATA_ONLY
from voiceagent_operator.connection import bearer_token, ssl_context
from voiceagent_operator.kinds import SECRET
from voiceagent_operator.watch_errors import WatchErrors
from voiceagent_operator.watch_stream import RefusedContent, WatchContent, WatchError, read_status

SERVER_FAILS: Final = 500
OK: Final = 200
KNOWN_TO_KOPF: Final = (401, 429)
"""Refusals after which kopf itself goes on: it logs in again, or waits as long as it is told to."""

NOTHING: Final = "listed,!listed"
"""A label selector that nothing can match."""


def register_login(
    registry: kopf.OperatorRegistry,
    configuration: Configuration,
    beginnings: Beginnings,
    errors: WatchErrors,
    *,
    secret_values: bool,
) -> None:
    """Have kopf connect as the operator's own client does."""

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        # kopf closes it, and logs in again where the API server refuses it.
        return kopf.AiohttpSession(
            server=configuration.host,
            aiohttp_session=watch_session(configuration, beginnings, errors, secret_values=secret_values),
        )


def watch_session(
    configuration: Configuration, beginnings: Beginnings, errors: WatchErrors, *, secret_values: bool
) -> aiohttp.ClientSession:
    """Connections for watches, without a limit to their number.

    kopf lists before it watches, object by object through all of its machinery: for a large cluster that takes
    minutes, and says nothing of what was deleted since. So its lists are made to be empty, and only tell from which
    version its watch goes on; the operator itself then lists what there is (see `resync`).
    """

    prefix = URL(configuration.host).path.rstrip("/")

    async def prepare(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        # Asked for each time: a pod's token rotates about every hour.
        if token := await bearer_token(configuration):
            request.headers["Authorization"] = f"Bearer {token}"
        request.server_hostname = configuration.tls_server_name
        path = request.url.path.removeprefix(prefix)
        watches = "watch" in request.url.query
        if watches and not secret_values and path.endswith(f"/{SECRET.plural}"):
            request.headers["Accept"] = METADATA_ONLY
        if not beginnings.is_watched(path):
            return await handler(request)
        if not watches:
            request.url = request.url.update_query(labelSelector=NOTHING)
            await asyncio.sleep(errors.pause_seconds(path))
        response = await handler(request)
        if response.status in KNOWN_TO_KOPF:
            errors.failed(path, WatchError(response.status, "refused for now"))
        elif not response.ok:
            return await refused(path, response, watches=watches)
        elif watches:
            response.content = WatchContent(  # type: ignore[assignment]
                response.content, lambda error: errors.failed(path, error), lambda: errors.went_well(path)
            )
        else:
            beginnings.note(path)
        return response

    async def refused(path: str, response: ClientResponse, *, watches: bool) -> ClientResponse:
        error = read_status(_status(await response.read()), response.status)
        errors.failed(path, error)
        response.close()
        if not watches or response.status >= SERVER_FAILS:
            # A lost connection kopf takes up again, for as long as it takes.
            raise aiohttp.ClientConnectionError(f"the API server answered {response.status} to {path}")
        response.status, response.content = OK, RefusedContent(response.content)  # type: ignore[assignment]
        return response

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=ssl_context(configuration)),
        middlewares=(prepare,),
        proxy=configuration.proxy,
        trust_env=False,
    )


def _status(text: bytes) -> dict[str, Any]:
    """The Status in an answer; empty where somebody else than the API server answered."""
    try:
        decoded: Any = orjson.loads(text)
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}
