"""A VoiceAgent on a cluster: changed by a JSON Patch of just what differs, tried by a dry run first."""

from collections.abc import Mapping, Sequence
from typing import Any

from voiceagent_api.names import API_VERSION, KIND

from voiceagent_cli import screen
from voiceagent_cli.differences import difference, shown
from voiceagent_cli.errors import CliError, Exit
from voiceagent_cli.gitops import gitops_note
from voiceagent_cli.kube import JSON_PATCH, Access, Kube, KubeError, access, agents_path
from voiceagent_cli.names import nearest
from voiceagent_cli.operations import json_patch


class ClusterTarget:
    """A VoiceAgent by its name, or the only one of its namespace."""

    def __init__(self, name: str | None, namespace: str | None, context: str | None) -> None:
        self._name = name
        self._wanted_namespace = namespace
        self._context = context
        self._access: Access | None = None
        self._object: Mapping[str, Any] = {}
        self._patch: list[dict[str, Any]] = []

    @property
    def title(self) -> str:
        return f"VoiceAgent {self.namespace}/{self._name}"

    @property
    def namespace(self) -> str | None:
        return self._access.namespace if self._access else self._wanted_namespace

    async def open(self) -> Access:
        """How to reach the cluster, found out once."""
        if self._access is None:
            self._access = await access(self._context, self._wanted_namespace)
        return self._access

    async def read(self) -> Mapping[str, Any]:
        place = await self.open()
        async with place.open() as kube:
            self._object = await find_agent(kube, place.namespace, self._name)
        self._name = str(self._object["metadata"]["name"])
        meta = {key: value for key, value in self._object["metadata"].items() if key != "managedFields"}
        return {**self._object, "metadata": meta}

    async def propose(self, document: Mapping[str, Any]) -> Sequence[str]:
        self._patch = json_patch(self._object, document)
        if not self._patch:
            return []
        if note := gitops_note(self._object):
            screen.warn(note)
        after = await self._send(dryRun="All")
        return difference(shown(self._object), shown(after), self.title)

    async def write(self) -> None:
        await self._send()

    async def _send(self, **query: str) -> dict[str, Any]:
        place = await self.open()
        path = agents_path(place.namespace, self._name or "")
        async with place.open() as kube:
            try:
                return await kube.patch(path, self._patch, JSON_PATCH, **query)
            except KubeError as error:
                # The API server does not say which step of a patch failed: so it is looked up.
                if error.status == 422 and _generation(await kube.get(path)) != _generation(self._object):
                    raise CliError(
                        f"{self.title} was changed meanwhile, so nothing was written. Run it again.", Exit.REFUSED
                    ) from None
                raise


async def find_agent(kube: Kube, namespace: str, name: str | None) -> Mapping[str, Any]:
    """The VoiceAgent of that name; without one, the only one of the namespace. Raises CliError."""
    if name is not None:
        try:
            found: Mapping[str, Any] = await kube.get(agents_path(namespace, name))
        except KubeError as error:
            if error.status == 404 and error.reason == "NotFound" and name in str(error):
                names = [one["metadata"]["name"] for one in (await kube.get(agents_path(namespace)))["items"]]
                raise _not_found(namespace, name, names) from None
            raise
        return found
    items = (await kube.get(agents_path(namespace), limit="50"))["items"]
    if len(items) == 1:
        # Items of a list do not say what they are.
        return {"apiVersion": API_VERSION, "kind": KIND, **items[0]}
    if not items:
        raise CliError(f"There is no VoiceAgent in namespace {namespace}. Name another by --namespace.", Exit.NOT_FOUND)
    several = ", ".join(one["metadata"]["name"] for one in items)
    raise CliError(f"Namespace {namespace} has several VoiceAgents: {several}. Say which.", Exit.USAGE)


def _generation(item: Mapping[str, Any]) -> int:
    return int(item["metadata"]["generation"])


def _not_found(namespace: str, name: str, names: Sequence[str]) -> CliError:
    there = f"{nearest(name, names)}It has: {', '.join(names)}." if names else "It has none."
    return CliError(f'There is no VoiceAgent "{name}" in namespace {namespace}. {there}', Exit.NOT_FOUND)
