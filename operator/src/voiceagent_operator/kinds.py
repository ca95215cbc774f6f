"""The kinds of objects that the operator reads or writes, with their paths and what it watches of them."""

from dataclasses import dataclass
from typing import Final

from voiceagent_api.names import (
    API_VERSION,
    FIELD_MANAGER,
    KIND,
    LABEL_AGENT,
    LABEL_MANAGED_BY,
    PLURAL,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A namespaced kind; the selectors say which of its objects are watched."""

    api_version: str
    name: str
    plural: str
    label_selector: str = ""
    field_selector: str = ""

    @property
    def group(self) -> str:
        """The API group; empty for the core."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """The version within the group."""
        return self.api_version.rpartition("/")[2]

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path of all objects, of a namespace's, or of one."""
        parts = ["apis" if self.group else "api", self.api_version]
        if namespace is not None:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part is not None]
        return "/" + "/".join(parts)


_MANAGED: Final = f"{LABEL_MANAGED_BY}={FIELD_MANAGER}"
_CREDENTIALS: Final = ",".join(
    f"type!={kind}"
    for kind in (
        "helm.sh/release.v1",
        "kubernetes.io/service-account-token",
        "bootstrap.kubernetes.io/token",
    )
)
"""Secrets that cannot hold a provider's key never reach the operator's memory."""

VOICE_AGENT: Final = Kind(API_VERSION, KIND, PLURAL)
DEPLOYMENT: Final = Kind("apps/v1", "Deployment", "deployments", _MANAGED)
CONFIG_MAP: Final = Kind("v1", "ConfigMap", "configmaps", field_selector="metadata.name!=kube-root-ca.crt")
"""The users' too, since instructions may be kept in one."""
SERVICE: Final = Kind("v1", "Service", "services", _MANAGED)
SERVICE_ACCOUNT: Final = Kind("v1", "ServiceAccount", "serviceaccounts", _MANAGED)
POD_DISRUPTION_BUDGET: Final = Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", _MANAGED)
NETWORK_POLICY: Final = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", _MANAGED)
CONTROLLER_REVISION: Final = Kind("apps/v1", "ControllerRevision", "controllerrevisions", _MANAGED)
POD: Final = Kind("v1", "Pod", "pods", LABEL_AGENT)
SECRET: Final = Kind("v1", "Secret", "secrets", field_selector=_CREDENTIALS)

REPLICA_SET: Final = Kind("apps/v1", "ReplicaSet", "replicasets")
"""A Deployment's; looked at only to put back the pod template before one that failed."""
LEASE: Final = Kind("coordination.k8s.io/v1", "Lease", "leases")
EVENT: Final = Kind("v1", "Event", "events")

CHILDREN: Final = (SERVICE_ACCOUNT, SERVICE, POD_DISRUPTION_BUDGET, NETWORK_POLICY, CONFIG_MAP, DEPLOYMENT)
WATCHED: Final = (VOICE_AGENT, *CHILDREN, CONTROLLER_REVISION, POD, SECRET)

_BY_NAME: Final = {kind.name: kind for kind in WATCHED}


def kind_of(name: str) -> Kind:
    """The kind of that name."""
    return _BY_NAME[name]
