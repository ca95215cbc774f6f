"""The one client of the API server: pooled connections, raw JSON bodies. Every call has a deadline."""

import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import orjson
from kubernetes.aio.client.configuration import Configuration
from voiceagent_api.names import FIELD_MANAGER, LABEL_MANAGED_BY
from yarl import URL

from voiceagent_operator.connection import bearer_token, ssl_context
from voiceagent_operator.errors import ApiError
from voiceagent_operator.fence import always, fence
from voiceagent_operator.kinds import Kind
from voiceagent_operator.metrics import NO_ANSWER, Metrics
from voiceagent_operator.objects import Object
from voiceagent_operator.tracing import Span, no_span

REQUEST_SECONDS: Final = 30.0
CONNECTIONS: Final = 100
PAGE_SIZE: Final = 100
MOST_OTHERS: Final = 500
METADATA_ONLY: Final = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
"""What to accept for objects without spec, data and status, in a watch; the API server gives lists another name."""
METADATA_LIST_ONLY: Final = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
JSON: Final = "application/json"
NONE: Final[Mapping[Kind, str]] = MappingProxyType({})
APPLY_PATCH: Final = "application/apply-patch+yaml"
_MERGE: Final = "application/merge-patch+json"
_NOT_IN_YAML: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufffe\uffff]")
"""What YAML does not have, or takes for the end of a line, though JSON has it in texts."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and the version of the whole."""

    items: list[Object]
    version: int
    complete: bool = True
    """Whether nothing comes after it."""


class Client:
    """Calls the API server."""

    def __init__(
        self,
        configuration: Configuration,
        metrics: Metrics,
        span: Span = no_span,
        partial: Mapping[Kind, str] = NONE,
        may_write: Callable[[], bool] = always,
    ) -> None:
        """`partial` says which kinds are to be listed in a form of less than everything.

        `may_write` is asked before each write (see `fence`).
        """
        self._configuration = configuration
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, ssl=ssl_context(configuration)),
            timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS),
            request_class=fence(may_write),
            proxy=configuration.proxy,
            trust_env=False,  # or every request would look for a password in ~/.netrc, in a thread
        )
        self._metrics = metrics
        self._span = span
        self._partial = partial

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

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
            page = await self._call("GET", kind.path(namespace), query=query, accept=self._partial.get(kind, JSON))
            items = [{"apiVersion": kind.api_version, "kind": kind.name, **item} for item in page["items"] or ()]
            following = page["metadata"].get("continue")
            yield Page(items, int(page["metadata"]["resourceVersion"]), complete=not following)
            if not following:
                return
            query["continue"] = following

    async def others(self, kind: Kind, namespace: str) -> Page:
        """The metadata of a namespace's objects that do not have the operator's label, or of some. Raises ApiError."""
        query = {"labelSelector": f"{LABEL_MANAGED_BY}!={FIELD_MANAGER}", "limit": str(MOST_OTHERS)}
        page = await self._call("GET", kind.path(namespace), query=query, accept=METADATA_LIST_ONLY)
        meta = page["metadata"]
        return Page(page["items"] or [], int(meta["resourceVersion"]), complete=not meta.get("continue"))

    async def select(self, kind: Kind, namespace: str, label_selector: str) -> list[Object]:
        """The few objects of a namespace that have these labels. Raises ApiError."""
        found = await self._call("GET", kind.path(namespace), query={"labelSelector": label_selector})
        return list(found["items"])

    async def apply(self, path: str, body: Object, *, force: bool) -> Object:
        """Server-side apply as the project's one field manager."""
        query = {"fieldManager": FIELD_MANAGER, "force": str(force).lower()}
        return await self._call("PATCH", path, query=query, body=body, content_type=APPLY_PATCH)

    async def create(self, path: str, body: Object) -> Object:
        """Make an object that is not there yet. A field that its type does not have is refused, as apply does."""
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        return await self._call("POST", path, query=query, body=body)

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
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Object:
        headers = {"Accept": accept, "Content-Type": content_type, "User-Agent": FIELD_MANAGER}
        token = await bearer_token(self._configuration)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        url = self._configuration.host + path + (f"?{urlencode(query)}" if query else "")
        code, began = NO_ANSWER, time.perf_counter()
        try:
            with self._span(method, {"http.request.method": method, "url.path": path}):
                async with self._http.request(
                    method,
                    URL(url, encoded=True),
                    headers=headers,
                    data=None if body is None else encoded(body, content_type),
                    server_hostname=self._configuration.tls_server_name,
                ) as response:
                    text = await response.read()
            code = str(response.status)
        except TimeoutError as error:
            raise ApiError(0, "Timeout", f"no answer to {method} {path} in {REQUEST_SECONDS:.0f} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ApiError(0, "Unreachable", f"{method} {path}: {error}") from error
        finally:
            self._metrics.requests.labels(method, code).inc()
            self._metrics.request_seconds.labels(method).observe(time.perf_counter() - began)
        return _answer(response.status, text)


def encoded(body: Object, content_type: str) -> bytes:
    """A body as it is sent. The API server reads what is applied as YAML, also where it is JSON."""
    plain = orjson.dumps(body)
    if content_type != APPLY_PATCH:
        return plain
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", plain.decode()).encode()


def _answer(status: int, text: bytes) -> Object:
    try:
        decoded: Any = orjson.loads(text)
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
