"""What the doctor makes of what was found: each check with its cure. Pure; `examination` does the looking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from voiceagent_api.catalogue import ProviderKind, find_provider
from voiceagent_api.install import InstallConfig
from voiceagent_api.names import GROUP, LIVEKIT_API_KEY, LIVEKIT_API_SECRET, VERSION

from voiceagent_cli.names import KINDS
from voiceagent_cli.tables import Answer

APP: Final = "app.kubernetes.io/name"
OPERATOR: Final = "voiceagent-controller"
GATEWAY: Final = "voiceagent-gateway"
INSTALL: Final = "helm install voiceagents charts/voiceagent-operator -n voiceagents-system --create-namespace"


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    NOTE = "note"
    """It may be meant so."""
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    what: str
    verdict: Verdict
    found: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What the API server and LiveKit said. None is for what could not be asked, with the reason in `unread`."""

    version: str
    crd: Mapping[str, Any] | None
    deployments: Sequence[Mapping[str, Any]] | None
    install: InstallConfig | None
    ingresses: Sequence[Mapping[str, Any]] | None
    agents: Sequence[Mapping[str, Any]]
    secrets: Mapping[str, frozenset[str]] | None
    """Keys by the names of Secrets, of the namespace that was looked at."""
    ingress_classes: frozenset[str] | None = None
    """Of the cluster: each has a controller, or had one."""
    livekit: Mapping[str, str] = field(default_factory=dict)
    """By LiveKit address: what went wrong there, or nothing."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """By field: why it could not be read."""
    namespace: str = ""


def diagnose(found: Found) -> list[Check]:
    """All checks, in the order in which they depend on each other."""
    checks = [Check("Cluster", Verdict.OK, f"Kubernetes {found.version}"), _crd(found)]
    checks += [_part(found, "Operator", OPERATOR), _part(found, "Gateway", GATEWAY)]
    checks += [_livekit(address, fault) for address, fault in found.livekit.items()] or [_no_livekit(found)]
    checks.append(_ingress(found))
    for agent in found.agents:
        checks += _credentials(found, agent)
        checks += _conditions(agent)
    if "agents" in found.unread:
        checks.append(Check("Agents", Verdict.NOTE, found.unread["agents"], "Ask who runs the cluster."))
    elif not found.agents and found.crd is not None:
        cure = "voiceagent init -f agent.yaml, then voiceagent apply -f agent.yaml"
        checks.append(Check("Agents", Verdict.NOTE, f"none in namespace {found.namespace}", cure))
    return checks


def diagnosis_answer(checks: Sequence[Check]) -> Answer:
    """The checks as an answer."""
    rows: list[tuple[str, str, str]] = []
    for check in checks:
        rows.append((check.verdict.upper(), check.what, check.found))
        if check.cure:
            rows.append(("", "", f"→ {check.cure}"))
    value = [
        {"check": check.what, "verdict": check.verdict.value, "found": check.found, "cure": check.cure}
        for check in checks
    ]
    return Answer(value, ("", "CHECK", "FOUND"), rows, [one.what for one in checks if one.verdict == "bad"])


def livekit_addresses(install: InstallConfig | None, agents: Sequence[Mapping[str, Any]]) -> list[str]:
    """The LiveKit servers that callers of the agents are told; those that nobody outside needs are left out."""
    default = (install.livekit.public_url or install.livekit.url) if install else ""
    own = [(agent.get("spec") or {}).get("livekit") or {} for agent in agents]
    told = [str(one.get("publicURL") or one.get("url") or default) for one in own] or [default]
    return list(dict.fromkeys(address for address in told if address))


def secret_needs(agent: Mapping[str, Any], install: InstallConfig | None) -> dict[str, frozenset[str]]:
    """The Secrets that an agent needs, each with its keys; without an install's own defaults where it is not known."""
    spec = agent.get("spec") or {}
    livekit = ((spec.get("livekit") or {}).get("credentialsSecretRef") or {}).get("name")
    default = install.livekit.credentials_secret_name if install else "livekit"
    needs: dict[str, set[str]] = {livekit or default: {LIVEKIT_API_KEY, LIVEKIT_API_SECRET}}
    for kind in KINDS:
        choice = (spec.get("providers") or {}).get(kind)
        for one in [choice, *(choice.get("fallbacks") or ())] if choice else ():
            for name, keys in _provider_needs(kind, one, install):
                needs.setdefault(name, set()).update(keys)
    return {name: frozenset(keys) for name, keys in needs.items()}


def _provider_needs(
    kind: ProviderKind, choice: Mapping[str, Any], install: InstallConfig | None
) -> list[tuple[str, set[str]]]:
    entry = find_provider(kind, str(choice.get("provider")))
    if entry is None:
        return []
    defaults = install.provider_defaults(kind, entry.name) if install else None
    reference = choice.get("credentialsSecretRef") or {}
    named = reference.get("name") or (defaults.secret_name if defaults else None)
    if not named and entry.key_optional:
        return []
    usual = (defaults.secret_key if defaults and not reference else None) or entry.credential_key
    base_url = choice.get("baseURL") or (defaults.base_url if defaults else None)
    options = frozenset(choice.get("options") or {})
    keys = {one.key for one in entry.credentials[1:] if one.needed(base_url, options)}
    if named or entry.credentials[0].needed(base_url, options):
        keys.add(str(reference.get("key") or usual))
    return [(str(named or entry.name), keys)] if keys else []


def _crd(found: Found) -> Check:
    what = "VoiceAgent CRD"
    if "crd" in found.unread:
        return Check(what, Verdict.NOTE, found.unread["crd"], "Ask who runs the cluster.")
    if found.crd is None:
        return Check(what, Verdict.BAD, "not installed", INSTALL)
    versions = [one["name"] for one in found.crd["spec"]["versions"] if one.get("served")]
    if VERSION not in versions:
        cure = "Upgrade the chart, or use the command line of its release."
        return Check(what, Verdict.BAD, f"serves {', '.join(versions)}, not {VERSION}", cure)
    return Check(what, Verdict.OK, f"{GROUP}/{VERSION}")


def _part(found: Found, what: str, app: str) -> Check:
    if found.deployments is None:
        return Check(what, Verdict.NOTE, found.unread.get("deployments", "not known"), "Ask who runs the cluster.")
    own = [
        one
        for one in found.deployments
        if ((one["spec"].get("selector") or {}).get("matchLabels") or {}).get(APP) == app
    ]
    if not own:
        return Check(what, Verdict.BAD, "not installed", INSTALL)
    meta, status, wanted = own[0]["metadata"], own[0].get("status") or {}, own[0]["spec"].get("replicas", 1)
    place, ready = f"{meta['namespace']}/{meta['name']}", status.get("readyReplicas", 0)
    if ready == 0:
        cure = f"kubectl describe pods -n {meta['namespace']} -l {APP}={app}"
        return Check(what, Verdict.BAD, f"{place}: no pod of {wanted} is ready", cure)
    return Check(what, Verdict.OK, f"{place}: {ready} of {wanted} pods are ready")


def _livekit(address: str, fault: str) -> Check:
    if fault:
        cure = "Check the address and the network from here; LiveKit may be reached from within the cluster only."
        return Check("LiveKit", Verdict.BAD, f"{address}: {fault}", cure)
    return Check("LiveKit", Verdict.OK, f"{address} answers")


def _no_livekit(found: Found) -> Check:
    if found.install is None:
        told = found.unread.get("install", "the install names no LiveKit server, and no agent does")
        return Check("LiveKit", Verdict.NOTE, told, "Set livekit.url of the chart, or spec.livekit.url.")
    return Check("LiveKit", Verdict.BAD, "no server is named", "Set livekit.url of the chart, or spec.livekit.url.")


def _ingress(found: Found) -> Check:
    if found.ingresses is None:
        return Check("Ingress", Verdict.NOTE, found.unread.get("ingresses", "not known"), "Ask who runs the cluster.")
    if not found.ingresses:
        cure = "Set gateway.ingress.enabled of the chart, or use kubectl port-forward."
        return Check("Ingress", Verdict.NOTE, "none for the gateway", cure)
    one = found.ingresses[0]
    place = f"{one['metadata']['namespace']}/{one['metadata']['name']}"
    hosts = ", ".join(rule.get("host") or "every host" for rule in one["spec"].get("rules") or ())
    addresses = ((one.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    kind = one["spec"].get("ingressClassName")
    if not addresses and kind and kind in (found.ingress_classes or ()):
        # Not every controller tells where it listens: one behind a host's own port need not know.
        return Check("Ingress", Verdict.OK, f"{place} for {hosts} by {kind}, which tells no address")
    if not addresses:
        cure = "Is there an ingress controller for its class? kubectl get ingressclass"
        return Check("Ingress", Verdict.NOTE, f"{place} for {hosts} has no address", cure)
    told = ", ".join(str(address.get("hostname") or address.get("ip")) for address in addresses)
    return Check("Ingress", Verdict.OK, f"{place} for {hosts} at {told}")


def _credentials(found: Found, agent: Mapping[str, Any]) -> list[Check]:
    what = f"Secrets of {agent['metadata']['name']}"
    if found.secrets is None:
        return [Check(what, Verdict.NOTE, found.unread.get("secrets", "not known"), "The conditions tell of them too.")]
    checks = []
    for name, keys in sorted(secret_needs(agent, found.install).items()):
        missing = sorted(keys - found.secrets.get(name, frozenset()))
        if missing and name not in found.secrets:
            values = " ".join(f"--from-literal={key}=…" for key in sorted(keys))
            cure = f"kubectl create secret generic {name} -n {found.namespace} {values}"
            checks.append(Check(what, Verdict.BAD, f"there is no Secret {name}", cure))
        elif missing:
            checks.append(
                Check(what, Verdict.BAD, f"Secret {name} has no {', '.join(missing)}", "Add what is missing to it.")
            )
    return checks or [Check(what, Verdict.OK, "all there")]


def _conditions(agent: Mapping[str, Any]) -> list[Check]:
    """What the operator says of an agent that is not as it should be."""
    what = f"Agent {agent['metadata']['name']}"
    conditions = {one["type"]: one for one in (agent.get("status") or {}).get("conditions") or ()}
    ready = conditions.get("Ready")
    if ready is None:
        return [Check(what, Verdict.BAD, "no operator has seen it", "See the check of the operator.")]
    if ready["status"] != "True":
        return [Check(what, Verdict.BAD, f"{ready['reason']}: {ready['message']}", "See docs/troubleshooting.md.")]
    amiss = [
        one
        for kind, one in conditions.items()
        if kind in ("ProvidersReady", "ConfigSynced") and one["status"] == "False"
    ]
    told = [
        Check(what, Verdict.NOTE, f"{one['reason']}: {one['message']}", "See docs/troubleshooting.md.") for one in amiss
    ]
    return told or [Check(what, Verdict.OK, str(ready["message"]))]
