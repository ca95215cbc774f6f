"""Whether somebody else keeps an object as a Git repository says, and would put a change back. Pure."""

from collections.abc import Mapping
from typing import Any, Final

_SIGNS: Final = (
    ("labels", "argocd.argoproj.io/instance", "Argo CD"),
    ("annotations", "argocd.argoproj.io/tracking-id", "Argo CD"),
    ("labels", "kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("labels", "helm.toolkit.fluxcd.io/name", "Flux"),
)
_MANAGERS: Final = {
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
}


def gitops_of(item: Mapping[str, Any]) -> tuple[str, str] | None:
    """Who keeps it, and by what that was seen; None where nobody does."""
    meta = item.get("metadata", {})
    for place, key, tool in _SIGNS:
        if key in (meta.get(place) or {}):
            return tool, f"{place[:-1]} {key}"
    for entry in meta.get("managedFields") or ():
        manager = str(entry.get("manager", ""))
        if manager in _MANAGERS:
            return _MANAGERS[manager], f"field manager {manager}"
    return None


def gitops_note(item: Mapping[str, Any]) -> str | None:
    """What to tell whoever changes it by hand; None where nobody would put it back."""
    found = gitops_of(item)
    if found is None:
        return None
    tool, sign = found
    return f"{tool} keeps this VoiceAgent ({sign}) and may put a change back. Change it in the Git repository too."
