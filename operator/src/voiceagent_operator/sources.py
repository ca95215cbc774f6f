"""What is remembered of ConfigMaps that are not the operator's: an agent's instructions may be in one."""

from dataclasses import dataclass

from voiceagent_api.voiceagent import INSTRUCTIONS_MAX_BYTES

from voiceagent_operator import reasons
from voiceagent_operator.errors import Hindrance
from voiceagent_operator.objects import Key, Object, metadata, place, uid


@dataclass(frozen=True, slots=True)
class SourceView:
    """A ConfigMap without its values, which may be large and are nobody's business until they are asked for."""

    place: Key
    uid: str
    resource_version: str


def view_source(body: Object) -> SourceView:
    """What may be remembered of a ConfigMap."""
    return SourceView(place=place(body), uid=uid(body), resource_version=str(metadata(body).get("resourceVersion", "")))


def read_instructions(where: Key, key: str, body: Object | None) -> str:
    """The instructions in a ConfigMap. Raises Hindrance with what to do where they are not there, or too long."""
    told = f"ConfigMap {where}, named by spec.instructionsFrom,"
    if body is None:
        raise Hindrance(
            reasons.INSTRUCTIONS_MISSING,
            f"{told} is missing. Make it: kubectl --namespace {where.namespace} create configmap {where.name} "
            f"--from-file={key}=FILE",
        )
    text = (body.get("data") or {}).get(key)
    if not text:
        raise Hindrance(reasons.INSTRUCTIONS_MISSING, f"{told} has no text under the key {key}. Add it.")
    if len(text.encode()) > INSTRUCTIONS_MAX_BYTES:
        raise Hindrance(
            reasons.INSTRUCTIONS_TOO_LONG, f"{told} holds more than 128 KiB of instructions under {key}; shorten them."
        )
    return str(text)
