"""The API server, as raw JSON.

The kubernetes client gives configuration, authentication and the connection pool. None of its models is used:
decoding them costs more than everything else that is done with an answer.
"""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config
from yaml import YAMLError

REQUEST_TIMEOUT_SECONDS: Final = 10.0
WATCH_SECONDS: Final = 240
WATCH_SILENCE_SECONDS: Final = 100.0
"""Longer than the minute between two bookmarks: more silence than this is a dead connection."""


class KubeError(Exception):
    """The API server refused or could not be reached. `status` is the HTTP status, 0 for no answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class KubeConfigError(Exception):
    """No way to an API server is configured; the message says what to set."""


class Kube:
    """Reads from one API server, and applies to it."""

    def __init__(self, client: ApiClient) -> None:
        self._client: Any = client

    async def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
    ) -> dict[str, Any]:
        """One object or list. Raises KubeError."""
        timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        async with self._request("GET", path, query or {}, timeout) as response:
            try:
                body = json.loads(await response.read())
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                raise KubeError(0, f"the answer to GET {path} broke off: {_say(error)}") from error
        if not isinstance(body, dict):
            raise KubeError(0, f"the answer to GET {path} is not an object")
        return body

    async def apply(self, path: str, document: Mapping[str, Any], field_manager: str) -> None:
        """Server-side apply. Raises KubeError."""
        query = {"fieldManager": field_manager, "force": "true"}
        timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_SECONDS)
        async with self._request("PATCH", path, query, timeout, document) as response:
            try:
                await response.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                raise KubeError(0, f"the answer to PATCH {path} broke off: {_say(error)}") from error

    async def watch(self, path: str, query: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
        """The events of one watch until the server ends it. Raises KubeError."""
        query = {**query, "watch": "1", "allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH_SECONDS)}
        timeout = aiohttp.ClientTimeout(total=None, connect=REQUEST_TIMEOUT_SECONDS, sock_read=WATCH_SILENCE_SECONDS)
        async with self._request("GET", path, query, timeout) as response:
            while True:
                try:
                    line = await response.content.readline()
                    event = json.loads(line) if line.strip() else None
                except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                    raise KubeError(0, f"the watch of {path} broke off: {_say(error)}") from error
                if event is not None:
                    yield event
                elif not line:
                    return

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        limits: aiohttp.ClientTimeout,
        applied: Mapping[str, Any] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        content_type = {} if applied is None else {"Content-Type": "application/apply-patch+yaml"}
        _, url, headers, _, _ = await self._client.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params={"Accept": "application/json", **content_type},
            auth_settings=["BearerToken"],
        )
        try:
            answer = await self._client.rest_client.request(
                method, url, headers=headers, body=applied, _request_timeout=limits
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise KubeError(0, f"the API server does not answer: {_say(error)}") from error
        response: aiohttp.ClientResponse = answer.response
        try:
            if response.status >= 400:
                raise KubeError(response.status, await _refusal(response))
            yield response
        finally:
            response.release() if response.content.at_eof() else response.close()


@asynccontextmanager
async def connect() -> AsyncIterator[Kube]:
    """The API server of KUBECONFIG, else of the pod this runs in, else of ~/.kube/config.

    Raises KubeConfigError.
    """
    configuration = Configuration()
    try:
        if "KUBECONFIG" not in os.environ and "KUBERNETES_SERVICE_HOST" in os.environ:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            await load_kube_config(client_configuration=configuration, persist_config=False)  # type: ignore[no-untyped-call]
    except (ConfigException, OSError, YAMLError) as error:
        raise KubeConfigError(
            f"The gateway cannot tell which API server to use: {_say(error)}. "
            "Run it in a pod with a service account, or set KUBECONFIG."
        ) from error
    async with ApiClient(configuration) as client:
        client.user_agent = "voiceagent-gateway"
        yield Kube(client)


async def _refusal(response: aiohttp.ClientResponse) -> str:
    try:
        return str(json.loads(await response.read())["message"])
    except (aiohttp.ClientError, TimeoutError, ValueError, LookupError, TypeError):
        return f"the API server answered {response.status} {response.reason}"


def _say(error: BaseException) -> str:
    return str(error).rstrip(".") or type(error).__name__
