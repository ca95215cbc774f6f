"""The API server, as raw JSON. The kubernetes package reads the kubeconfig and logs in by its ways; no more of it."""

import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from kubernetes.aio import config as kubernetes_config
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from voiceagent_api.names import GROUP, PLURAL, VERSION
from yaml import YAMLError

from voiceagent_cli.errors import CliError, Exit

REQUEST_SECONDS: Final = 30.0
CONNECT_SECONDS: Final = 10.0
MANAGER: Final = "voiceagent-cli"
"""The field manager of what the command line writes."""
APPLY: Final = "application/apply-patch+yaml"
JSON_PATCH: Final = "application/json-patch+json"
_IN_POD: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_CODES: Final = {401: Exit.REFUSED, 403: Exit.REFUSED, 404: Exit.NOT_FOUND, 409: Exit.REFUSED}
_load_kubeconfig: Callable[..., Any] = kubernetes_config.load_kube_config
_load_incluster: Callable[..., None] = kubernetes_config.load_incluster_config


class KubeError(CliError):
    """The API server refused, or there was no answer. `status` is the HTTP status, 0 for no answer."""

    def __init__(self, status: int, message: str, reason: str = "", body: bytes = b"") -> None:
        code = Exit.UNREACHABLE if status == 0 or status >= 500 else _CODES.get(status, Exit.INVALID)
        super().__init__(message, code)
        self.status = status
        self.reason = reason
        self.body = body


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a cluster, and the namespace that is meant where none is named."""

    configuration: Configuration
    namespace: str

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Kube"]:
        """A connection."""
        context = RESTClientObject(self.configuration).ssl_context
        connector = aiohttp.TCPConnector(ssl=context)
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS, connect=CONNECT_SECONDS)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=True) as http:
            yield Kube(http, self.configuration)


async def access(context: str | None, namespace: str | None) -> Access:
    """The cluster of a kubeconfig's context; within a pod without KUBECONFIG, the pod's own. Raises CliError."""
    configuration = Configuration()
    try:
        if context is None and "KUBECONFIG" not in os.environ and "KUBERNETES_SERVICE_HOST" in os.environ:
            _load_incluster(client_configuration=configuration)
            own = _IN_POD.read_text(encoding="utf-8").strip()
        else:
            _require_kubeconfig()
            loader = await _load_kubeconfig(context=context, client_configuration=configuration, persist_config=False)
            own = str((loader.current_context.get("context") or {}).get("namespace") or "default")
    except (kubernetes_config.ConfigException, OSError, YAMLError) as error:
        raise CliError(
            f"There is no cluster to talk to: {_say(error)}. Set KUBECONFIG to a file that names one, choose one of "
            "its contexts by --context, or work on a file by -f.",
            Exit.UNREACHABLE,
        ) from None
    return Access(configuration, namespace or own)


def _require_kubeconfig() -> None:
    """Raises CliError where no kubeconfig is there at all."""
    named = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube/config")
    if not any(Path(path).is_file() for path in named.split(os.pathsep) if path):
        raise CliError(
            f"There is no kubeconfig at {named}. Set KUBECONFIG to a file that names a cluster, or work on a file by "
            "-f.",
            Exit.UNREACHABLE,
        )


class Kube:
    """Reads from and writes to one API server."""

    def __init__(self, http: aiohttp.ClientSession, configuration: Configuration) -> None:
        self._http = http
        self._configuration = configuration

    @property
    def server(self) -> str:
        """The API server's address."""
        return str(self._configuration.host)

    async def get(self, path: str, **query: str) -> Any:
        """An object, or whatever JSON the path answers. Raises KubeError."""
        return json.loads(await self.read("GET", path, query))

    async def patch(self, path: str, body: Any, form: str, **query: str) -> dict[str, Any]:
        """The patched object; `body` is a text for `APPLY`. Raises KubeError."""
        text = body if isinstance(body, str) else json.dumps(body)
        query = {"fieldManager": MANAGER, "fieldValidation": "Strict", **query}
        patched: dict[str, Any] = json.loads(await self.read("PATCH", path, query, text, form))
        return patched

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """What the API server answers to a new object. Raises KubeError."""
        return json.loads(await self.read("POST", path, {}, json.dumps(body), "application/json"))

    async def read(
        self, method: str, path: str, query: Mapping[str, str], body: str | None = None, form: str | None = None
    ) -> bytes:
        """The body of an answer. Raises KubeError."""
        try:
            async with self._request(method, path, query, body, form) as response:
                return await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise KubeError(0, f"The API server at {self.server} does not answer: {_say(error)}.") from None

    async def lines(self, path: str, query: Mapping[str, str]) -> AsyncIterator[bytes]:
        """The lines of a long answer, as they come. Raises KubeError."""
        endless = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS)
        try:
            async with self._request("GET", path, query, None, None, endless) as response:
                # Not by lines of the client's own, which have a longest length.
                rest = b""
                async for chunk in response.content.iter_any():
                    *whole, rest = (rest + chunk).split(b"\n")
                    for line in whole:
                        yield line
                if rest:
                    yield rest
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise KubeError(0, f"The API server at {self.server} broke off: {_say(error)}.") from None

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: str | None,
        form: str | None,
        limits: aiohttp.ClientTimeout | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Accept": "application/json, */*", "User-Agent": MANAGER}
        if form:
            headers["Content-Type"] = form
        token = await self._configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        if token:
            headers["Authorization"] = str(token)
        async with self._http.request(
            method,
            self.server + path,
            params=query,
            data=body,
            headers=headers,
            proxy=self._configuration.proxy,
            server_hostname=self._configuration.tls_server_name,
            timeout=limits or self._http.timeout,
        ) as response:
            if response.status >= 400:
                raise _refusal(response.status, await response.read(), path)
            yield response


def agents_path(namespace: str | None, name: str = "") -> str:
    """Where VoiceAgents are."""
    place = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"/apis/{GROUP}/{VERSION}{place}/{PLURAL}" + (f"/{quote(name, safe='')}" if name else "")


def core_path(namespace: str | None, kind: str, name: str = "") -> str:
    """Where objects of Kubernetes' first API are."""
    place = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"/api/v1{place}/{kind}" + (f"/{quote(name, safe='')}" if name else "")


def apps_path(namespace: str | None, kind: str) -> str:
    """Where Deployments and ControllerRevisions are."""
    place = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"/apis/apps/v1{place}/{kind}"


def _refusal(status: int, body: bytes, path: str) -> KubeError:
    try:
        answer = json.loads(body)
        message, reason = str(answer["message"]), str(answer.get("reason", ""))
        named = bool((answer.get("details") or {}).get("name"))
    except (ValueError, LookupError, TypeError, AttributeError):
        message, reason, named = f"{status} {body[:200].decode('utf-8', 'replace')}".strip(), "", True
    if status == 404 and not named and f"/apis/{GROUP}/" in path:
        message = (
            f"The cluster does not know VoiceAgents of {GROUP}/{VERSION}. Install the chart voiceagent-operator first; "
            "`voiceagent doctor` tells what is there"
        )
    if status == 401:
        message = "The API server does not know you: log in to the cluster anew, or choose another --context"
    return KubeError(status, f"{message.rstrip('.')}.", reason, body)


def _say(error: BaseException) -> str:
    return str(error).rstrip(".") or type(error).__name__
