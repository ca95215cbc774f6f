"""The connection that kopf watches through: authenticated as the operator's own client is, told of when a watch
begins, and where it is wished with Secrets as metadata only, so that no value of one ever comes to this process."""

from typing import Any, Final

import aiohttp
import kopf
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from kubernetes.aio.client.configuration import Configuration
from yarl import URL

from voiceagent_operator.beginnings import Beginnings
from voiceagent_operator.connection import bearer_token, ssl_context
from voiceagent_operator.kinds import SECRET

METADATA_ONLY: Final = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
"""What to accept for objects without spec, data and status, in a watch; the API server gives lists another name."""
METADATA_LIST_ONLY: Final = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
SERVER_FAILS: Final = 500

NOTHING: Final = "listed,!listed"
"""A label selector that nothing can match."""


def register_login(
    registry: kopf.OperatorRegistry, configuration: Configuration, beginnings: Beginnings, *, secret_values: bool
) -> None:
    """Have kopf connect as the operator's own client does."""

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        # kopf closes it, and logs in again where the API server refuses it.
        return kopf.AiohttpSession(
            server=configuration.host,
            aiohttp_session=watch_session(configuration, beginnings, secret_values=secret_values),
        )


def watch_session(
    configuration: Configuration, beginnings: Beginnings, *, secret_values: bool
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
        lists = not watches and beginnings.is_watched(path)
        if lists:
            request.url = request.url.update_query(labelSelector=NOTHING)
        response = await handler(request)
        if beginnings.is_watched(path) and response.status >= SERVER_FAILS:
            # kopf would try a few times and then end; a lost connection it takes up again for as long as it takes.
            response.close()
            raise aiohttp.ClientConnectionError(f"the API server answered {response.status} to {path}")
        if lists and response.ok:
            beginnings.note(path)
        return response

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=ssl_context(configuration)),
        middlewares=(prepare,),
        proxy=configuration.proxy,
        trust_env=False,
    )
