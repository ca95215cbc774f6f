"""A rollout that failed and was put back: which template was the last good one, and what is remembered of it. Pure.

A Deployment alone never goes back, and would go on to add pods of the broken template. What failed is kept in an
annotation of the Deployment, so that it is not tried again and again, by any operator, until the spec changes.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from voiceagent_api.names import GROUP, LABEL_REVISION

from voiceagent_operator.objects import Object, annotations
from voiceagent_operator.pods import PodView
from voiceagent_operator.reasons import Problem

ANNOTATION_FAILED_ROLLOUT: Final = f"{GROUP}/failed-rollout"
_LONGEST_MESSAGE: Final = 1000
_MADE_BY_DEPLOYMENT: Final = "pod-template-hash"


@dataclass(frozen=True, slots=True)
class Setback:
    """A pod template whose pods did not get ready in time."""

    revision: str
    message: str
    """Why, in words, as far as a pod told."""


def read_setback(deployment: Object | None) -> Setback | None:
    """What failed last, by the Deployment's annotation; None where nothing did, or where it cannot be read."""
    kept = annotations(deployment or {}).get(ANNOTATION_FAILED_ROLLOUT)
    try:
        found = json.loads(kept or "null")
        return Setback(str(found["revision"]), str(found["message"]))
    except (ValueError, TypeError, KeyError):
        return None


def template_revision(deployment: Object | None) -> str | None:
    """The revision of a Deployment's pod template."""
    template = ((deployment or {}).get("spec") or {}).get("template") or {}
    found: str | None = ((template.get("metadata") or {}).get("labels") or {}).get(LABEL_REVISION)
    return found


def good_revision(pods: Sequence[PodView], failed: str) -> str | None:
    """The revision that most ready pods have, beside the one that failed; None where there is none to go back to."""
    ready = Counter(pod.revision for pod in pods if pod.ready and pod.running and pod.revision != failed)
    return max(ready, key=lambda revision: (ready[revision], revision), default=None)


def put_back(deployment: Object, template: Mapping[str, Any], setback: Setback) -> Object:
    """The desired Deployment with an earlier pod template, and with what is remembered of the one that failed."""
    meta, spec = deployment["metadata"], deployment["spec"]
    kept = json.dumps({"revision": setback.revision, "message": setback.message}, ensure_ascii=False)
    marks = {**meta.get("annotations", {}), ANNOTATION_FAILED_ROLLOUT: kept}
    return {
        **deployment,
        "metadata": {**meta, "annotations": marks},
        "spec": {**spec, "template": without_hash(template)},
    }


def why_failed(failure: Problem | None) -> str:
    """What is remembered of why pods did not get ready."""
    told = failure.message if failure else "Its pods did not get ready in time; their logs are gone with them."
    return told[:_LONGEST_MESSAGE]


def without_hash(template: Mapping[str, Any]) -> Object:
    """A ReplicaSet's pod template as its Deployment had it."""
    meta = template.get("metadata") or {}
    labels = {name: value for name, value in (meta.get("labels") or {}).items() if name != _MADE_BY_DEPLOYMENT}
    kept = {name: value for name, value in meta.items() if name in ("annotations",)}
    return {**template, "metadata": {**kept, "labels": labels}}
