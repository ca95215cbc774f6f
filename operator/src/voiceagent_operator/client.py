"""The one client of the API server: configuration, authentication and connections of the kubernetes package,
raw JSON bodies. Every call has a deadline."""

import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio import config as kubernetes_config
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject, RESTResponse
from voiceagent_api.names import FIELD_MANAGER

from voiceagent_operator.errors import ApiError
from voiceagent_operator.kinds import Kind
from voiceagent_operator.metrics import NO_ANSWER, Metrics
from voiceagent_operator.objects import Object
from voiceagent_operator.tracing import Span, no_span

REQUEST_SECONDS: Final = 30.0
PAGE_SIZE: Final = 200
APPLY_PATCH: Final = "application/apply-patch+yaml"
_MERGE: Final = "application/merge-patch+json"
_load_kubeconfig: Callable[..., Awaitable[None]] = kubernetes_config.load_kube_config
_Request = Callable[..., Awaitable[RESTResponse]]
_load_incluster: Callable[..., None] = kubernetes_config.load_incluster_config


class ConnectionMissing(Exception):
    """There is no usable configuration of a cluster; the message says what was looked for."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and the version of the whole."""

    items: list[Object]
    version: int


async def load_configuration() -> Configuration:
    """How to reach the cluster: KUBECONFIG where it is set, else the pod's own account, else ~/.kube/config."""
    configuration = Configuration()
    named = _named_kubeconfig()
    try:
        if not named and "KUBERNETES_SERVICE_HOST" in os.environ:
            _load_incluster(client_configuration=configuration)
        else:
            await _load_kubeconfig(client_configuration=configuration)
    except (kubernetes_config.ConfigException, OSError) as error:
        raise ConnectionMissing(
            f"No cluster to connect to: {error}. Set KUBECONFIG to a file that names one, or run in a pod."
        ) from error
    return configuration


def _named_kubeconfig() -> str | None:
    """What KUBECONFIG names, if it is set. Raises ConnectionMissing where it names nothing that is there."""
    named = os.environ.get("KUBECONFIG")
    if named and not any(Path(path).is_file() for path in named.split(os.pathsep)):
        raise ConnectionMissing(f"KUBECONFIG names {named}, which is not there. Correct or unset it.")
    return named


async def bearer_token(configuration: Configuration) -> str | None:
    """The token now in force, without its scheme; the package reads a pod's rotating token again as needed."""
    value = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
    return value.partition(" ")[2].strip() if value else None


class Client:
    """Calls the API server."""

    def __init__(self, configuration: Configuration, metrics: Metrics, span: Span = no_span) -> None:
        # Or every request would look for a password in ~/.netrc, in a thread.
        configuration.client_session_kwargs = {"trust_env": False}
        self._configuration = configuration
        self._rest = RESTClientObject(configuration)
        self._request: _Request = self._rest.request
        self._timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        self._metrics = metrics
        self._span = span

    async def close(self) -> None:
        """Close all connections."""
        await self._rest.close()

    async def get(self, path: str) -> Object:
        """Read what is at a path. Raises ApiError."""
        return await self._call("GET", path)

    async def find(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Read one object, or None where there is none."""
        try:
            found = await self.get(kind.path(namespace, name))
        except ApiError as error:
            if error.gone:
                return None
            raise
        return {"apiVersion": kind.api_version, "kind": kind.name, **found}

    async def pages(self, kind: Kind, namespace: str | None = None) -> AsyncIterator[Page]:
        """List a kind by its selectors, a page at a time."""
        query: dict[str, str] = {"limit": str(PAGE_SIZE)}
        if kind.label_selector:
            query["labelSelector"] = kind.label_selector
        if kind.field_selector:
            query["fieldSelector"] = kind.field_selector
        while True:
            page = await self._call("GET", kind.path(namespace), query=query)
            meta = page["metadata"]
            items = [{"apiVersion": kind.api_version, "kind": kind.name, **item} for item in page["items"]]
            yield Page(items, int(meta["resourceVersion"]))
            if not meta.get("continue"):
                return
            query["continue"] = meta["continue"]

    async def apply(self, path: str, body: Object, *, force: bool) -> Object:
        """Server-side apply as the project's one field manager."""
        query = {"fieldManager": FIELD_MANAGER, "force": str(force).lower()}
        return await self._call("PATCH", path, query=query, body=body, content_type=APPLY_PATCH)

    async def create(self, path: str, body: Object) -> Object:
        """Make an object that is not there yet."""
        return await self._call("POST", path, query={"fieldManager": FIELD_MANAGER}, body=body)

    async def replace(self, path: str, body: Object) -> Object:
        """Write an object as a whole; a conflict where it is no more of the version that the body names."""
        return await self._call("PUT", path, query={"fieldManager": FIELD_MANAGER}, body=body)

    async def merge(self, path: str, body: Object) -> Object:
        """Merge-patch an object that is not the operator's own."""
        return await self._call("PATCH", path, query={"fieldManager": FIELD_MANAGER}, body=body, content_type=_MERGE)

    async def delete(self, path: str, *, uid: str) -> None:
        """Delete just this object, not another of its name."""
        await self._call("DELETE", path, body={"preconditions": {"uid": uid}})

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> Object:
        headers = {"Accept": "application/json", "Content-Type": content_type, "User-Agent": FIELD_MANAGER}
        token = await bearer_token(self._configuration)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        url = self._configuration.host + path + (f"?{urlencode(query)}" if query else "")
        code, began = NO_ANSWER, time.perf_counter()
        try:
            with self._span(method, {"http.request.method": method, "url.path": path}):
                response = await self._request(method, url, headers=headers, body=body, _request_timeout=self._timeout)
                text: bytes = await response.response.read()
            code = str(response.status)
        except TimeoutError as error:
            raise ApiError(0, "Timeout", f"no answer to {method} {path} in {REQUEST_SECONDS:.0f} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ApiError(0, "Unreachable", f"{method} {path}: {error}") from error
        finally:
            self._metrics.requests.labels(method, code).inc()
            self._metrics.request_seconds.labels(method).observe(time.perf_counter() - began)
        return _answer(response.status, text)


def _answer(status: int, text: bytes) -> Object:
    try:
        decoded: Any = json.loads(text)
    except ValueError:
        decoded = None
    answer: Object = decoded if isinstance(decoded, dict) else {}
    if status >= 400:
        message = answer.get("message") or text[:500].decode(errors="replace")
        raise ApiError(status, answer.get("reason") or "Error", message)
    return answer


def served(answer: Object, kind: Kind) -> bool:
    """Whether a discovery answer names the kind."""
    return any(resource.get("name") == kind.plural for resource in answer.get("resources") or ())
