"""Kubernetes objects as plain dictionaries, and the few questions that every module asks of them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from voiceagent_api.names import GROUP, KIND, WORKER_CONTAINER

Object = dict[str, Any]
"""A Kubernetes object as its JSON says."""


class Key(NamedTuple):
    """Which VoiceAgent: what the work queue holds."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def metadata(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object's metadata; empty where it has none."""
    return body.get("metadata") or {}


def labels(body: Mapping[str, Any]) -> Mapping[str, str]:
    """The object's labels."""
    return metadata(body).get("labels") or {}


def annotations(body: Mapping[str, Any]) -> Mapping[str, str]:
    """The object's annotations."""
    return metadata(body).get("annotations") or {}


def place(body: Mapping[str, Any]) -> Key:
    """Namespace and name of any object."""
    meta = metadata(body)
    return Key(meta.get("namespace", ""), meta["name"])


def uid(body: Mapping[str, Any]) -> str:
    """The object's uid."""
    return str(metadata(body).get("uid", ""))


def version(body: Mapping[str, Any]) -> int:
    """The object's resource version; they grow with each write of a kind and may be compared."""
    text = str(metadata(body).get("resourceVersion", ""))
    return int(text) if text.isdecimal() else 0


class Owner(NamedTuple):
    """The VoiceAgent that an object belongs to, by its owner reference."""

    name: str
    uid: str


def owner_of(body: Mapping[str, Any]) -> Owner | None:
    """The VoiceAgent that controls this object, if one does."""
    reference = controlling_agent(body)
    return Owner(str(reference.get("name", "")), str(reference.get("uid", ""))) if reference else None


def worker_image(deployment: Mapping[str, Any] | None) -> str | None:
    """The image of a Deployment's worker container; None where there is no Deployment."""
    template = ((deployment or {}).get("spec") or {}).get("template") or {}
    containers = (template.get("spec") or {}).get("containers") or ()
    return next((str(item.get("image", "")) for item in containers if item.get("name") == WORKER_CONTAINER), None)


def controlling_agent(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The owner reference of the VoiceAgent that controls this object, if one does."""
    for reference in metadata(body).get("ownerReferences") or ():
        group = str(reference.get("apiVersion", "")).partition("/")[0]
        if reference.get("controller") and reference.get("kind") == KIND and group == GROUP:
            return dict(reference)
    return None
