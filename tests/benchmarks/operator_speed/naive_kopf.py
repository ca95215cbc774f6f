"""The operator as one would first write it: kopf's handlers, and the kubernetes package's synchronous client.

    TEMPLATES=FILE kopf run --namespace fleet naive_kopf.py

It makes the same children and the same status, filled into templates that were taken from the measured operator.
"""

import json
import os
from pathlib import Path
from typing import Any

import kopf
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

TEMPLATES = json.loads(Path(os.environ["TEMPLATES"]).read_text(encoding="utf-8"))


@kopf.on.startup()
def connect(**_: Any) -> None:
    config.load_kube_config()


@kopf.on.create("voiceagents.dev", "v1alpha1", "voiceagents")
@kopf.on.update("voiceagents.dev", "v1alpha1", "voiceagents")
def reconcile(spec: kopf.Spec, meta: kopf.Meta, uid: str, patch: kopf.Patch, **_: Any) -> None:
    """Make or correct every child, then tell how it stands."""
    own = {"name-placeholder": meta["name"], "uid-placeholder": uid, "instructions-placeholder": spec["instructions"]}
    for child in fill(TEMPLATES["children"], own):
        write(child)
    status = fill(TEMPLATES["status"], own)
    for condition in status["conditions"]:
        condition["observedGeneration"] = meta["generation"]
    patch.status.update({**status, "observedGeneration": meta["generation"]})


def fill(template: Any, own: dict[str, str]) -> Any:
    text = json.dumps(template)
    for placeholder, value in own.items():
        text = text.replace(placeholder, value)
    return json.loads(text)


def write(child: dict[str, Any]) -> None:
    name, namespace = child["metadata"]["name"], child["metadata"]["namespace"]
    create, patch = calls(child["kind"])
    try:
        create(namespace, child)
    except ApiException as error:
        if error.status != 409:
            raise
        patch(name, namespace, child)


def calls(kind: str) -> tuple[Any, Any]:
    """How the package makes and patches an object of a kind."""
    word = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind)
    for api in (client.CoreV1Api(), client.AppsV1Api(), client.PolicyV1Api(), client.NetworkingV1Api()):
        if hasattr(api, f"create_namespaced{word}"):
            return getattr(api, f"create_namespaced{word}"), getattr(api, f"patch_namespaced{word}")
    raise kopf.PermanentError(f"no API for {kind}")
