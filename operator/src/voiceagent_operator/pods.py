"""What is remembered of a worker pod, and why a pod that fails does so. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from voiceagent_api.names import (
    ANNOTATION_CONFIG_REVISION,
    LABEL_AGENT,
    LABEL_REVISION,
    WORKER_CONTAINER,
    WORKER_PORT_NAME,
)

from voiceagent_operator import reasons
from voiceagent_operator.marks import MARKS
from voiceagent_operator.objects import Key, Object, annotations, labels, metadata, place, uid
from voiceagent_operator.reasons import Problem

_IMAGE_REASONS: Final = frozenset({"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"})
_START_REASONS: Final = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
_CRASH_REASON: Final = "CrashLoopBackOff"
_OUT_OF_MEMORY: Final = "OOMKilled"
_LONGEST_DETAIL: Final = 400


@dataclass(frozen=True, slots=True)
class ContainerEnd:
    """How a run of the worker's container ended."""

    run: str
    exit_code: int
    at: str = ""


@dataclass(frozen=True, slots=True)
class PodView:
    """A worker pod, as far as the operator cares."""

    place: Key
    uid: str
    revision: str
    """Of the pod template that it was made from."""
    config_revision: str
    """That the operator last told it of."""
    config_maps: frozenset[str]
    phase: str
    leaving: bool
    failure: Problem | None
    agent: Key | None = None
    address: str | None = None
    """IP address and port of its endpoints, once it has them."""
    ends_at: str | None = None
    """When it is ended whatever it does, if it is leaving."""
    ready: bool = False
    """Whether Kubernetes counts on it."""
    marks: frozenset[tuple[str, str]] = frozenset()
    """Those of its annotations that the operator keeps, by which others know a pod with calls from an idle one."""
    not_ready: str = ""
    """What it is about to do before it is ready, in words; empty once it is."""
    run: str = ""
    """The worker's container that runs now; each restart makes another."""
    ended: ContainerEnd | None = None
    """The run that ended last."""

    @property
    def running(self) -> bool:
        """Whether it runs and is not on its way out."""
        return self.phase == "Running" and not self.leaving

    @property
    def exists(self) -> bool:
        """Whether it may still read its files."""
        return self.phase not in ("Succeeded", "Failed")


def view_pod(body: Object) -> PodView:
    """What may be remembered of a pod."""
    status = body.get("status") or {}
    worker = _worker(status)
    return PodView(
        place=place(body),
        uid=uid(body),
        revision=labels(body).get(LABEL_REVISION, ""),
        config_revision=annotations(body).get(ANNOTATION_CONFIG_REVISION, ""),
        config_maps=frozenset(_config_maps(body.get("spec") or {})),
        phase=status.get("phase", ""),
        leaving="deletionTimestamp" in metadata(body),
        failure=_failure(place(body), status),
        agent=Key(place(body).namespace, labels(body)[LABEL_AGENT]) if LABEL_AGENT in labels(body) else None,
        address=_address(body.get("spec") or {}, status),
        ends_at=metadata(body).get("deletionTimestamp"),
        ready=not _not_ready(status),
        marks=frozenset((name, value) for name, value in annotations(body).items() if name in MARKS),
        not_ready=_not_ready(status),
        run=str(worker.get("containerID", "")) if "running" in (worker.get("state") or {}) else "",
        ended=_end_of(worker),
    )


def explain_failure(pods: Sequence[PodView], revision: str | None) -> Problem | None:
    """Why pods of the newest revision fail (of any, where none is known), by the first that says so."""
    failing = [pod for pod in pods if pod.failure and not pod.leaving]
    newest = [pod for pod in failing if revision is None or pod.revision == revision]
    return min(newest, key=lambda pod: pod.place.name).failure if newest else None


def explain_wait(pods: Sequence[PodView], revision: str | None) -> str | None:
    """What the first pod of the newest revision that is not ready is about to do."""
    waiting = [pod for pod in pods if pod.not_ready and pod.exists and not pod.leaving]
    newest = [pod for pod in waiting if revision is None or pod.revision == revision]
    if not newest:
        return None
    first = min(newest, key=lambda pod: pod.place.name)
    look = f"logs {first.place.name}" if first.running else f"describe pod {first.place.name}"
    return f"Pod {first.place} {first.not_ready}. More of it: kubectl --namespace {first.place.namespace} {look}"


def _not_ready(status: Mapping[str, Any]) -> str:
    conditions = {item.get("type"): item.get("status") for item in status.get("conditions") or ()}
    if conditions.get("Ready") == "True":
        return ""
    if status.get("phase") == "Running":
        states = [item.get("state") or {} for item in status.get("containerStatuses") or ()]
        if any("terminated" in state for state in states):
            return "has ended and is about to be started again"
        return "runs and has not registered with LiveKit yet"
    if conditions.get("PodScheduled") == "True":
        return "is on a node, which gets its image and starts it"
    return "waits for a node"


def _worker(status: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is told of the worker's container; empty where nothing is."""
    return next((one for one in status.get("containerStatuses") or () if one.get("name") == WORKER_CONTAINER), {})


def _end_of(worker: Mapping[str, Any]) -> ContainerEnd | None:
    end = (worker.get("state") or {}).get("terminated") or _last_end(worker)
    if not end:
        return None
    return ContainerEnd(
        run=str(end.get("containerID", "")), exit_code=int(end.get("exitCode", -1)), at=str(end.get("finishedAt") or "")
    )


def _address(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str | None:
    address = status.get("podIP")
    ports = (
        port.get("containerPort")
        for container in spec.get("containers") or ()
        for port in container.get("ports") or ()
        if port.get("name") == WORKER_PORT_NAME
    )
    port = next(ports, None)
    if not address or port is None:
        return None
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _config_maps(spec: Mapping[str, Any]) -> Iterable[str]:
    for volume in spec.get("volumes") or ():
        if "configMap" in volume:
            yield volume["configMap"]["name"]


def _failure(pod: Key, status: Mapping[str, Any]) -> Problem | None:
    if status.get("phase") in ("Failed", "Unknown"):
        return _lost(pod, status)
    for container in status.get("containerStatuses") or ():
        if container.get("name") == WORKER_CONTAINER:
            waiting = (container.get("state") or {}).get("waiting") or {}
            reason = waiting.get("reason", "")
            if reason in _IMAGE_REASONS:
                return _image_failure(pod, reason, container, waiting)
            if reason in _START_REASONS:
                return _start_failure(pod, reason, waiting)
            if reason == _CRASH_REASON:
                return _crash(pod, container)
            if not container.get("ready") and _last_end(container).get("reason") == _OUT_OF_MEMORY:
                return Problem(reasons.OUT_OF_MEMORY, _out_of_memory(pod, container))
    return _unscheduled(pod, status)


def _image_failure(pod: Key, reason: str, container: Mapping[str, Any], waiting: Mapping[str, Any]) -> Problem:
    detail = shorten(waiting.get("message", reason))
    return Problem(
        reason,
        f'Pod {pod} cannot get its image "{container.get("image", "")}": {detail}. Correct spec.image (or the '
        "worker image of the operator's install), or add spec.imagePullSecrets.",
    )


def _start_failure(pod: Key, reason: str, waiting: Mapping[str, Any]) -> Problem:
    return Problem(
        reason,
        f"Pod {pod} cannot start: {shorten(waiting.get('message', reason))}. Make what it lacks, or correct "
        f"spec.podTemplate or spec.image. More of it: kubectl --namespace {pod.namespace} describe pod {pod.name}",
    )


def _crash(pod: Key, container: Mapping[str, Any]) -> Problem:
    ended, restarts = _last_end(container), container.get("restartCount", 0)
    if ended.get("reason") == _OUT_OF_MEMORY:
        return Problem(reasons.OUT_OF_MEMORY, _out_of_memory(pod, container))
    said = shorten(ended.get("message", ""))
    return Problem(
        _CRASH_REASON,
        f"Pod {pod} keeps ending with exit code {ended.get('exitCode', 'unknown')} ({restarts} restarts)"
        f"{': ' + said if said else ''}. Its log: kubectl --namespace {pod.namespace} logs {pod.name} --previous",
    )


def _last_end(container: Mapping[str, Any]) -> Mapping[str, Any]:
    return (container.get("lastState") or {}).get("terminated") or {}


def _out_of_memory(pod: Key, container: Mapping[str, Any]) -> str:
    return (
        f"Pod {pod} was killed for using more memory than its limit ({container.get('restartCount', 0)} restarts): "
        "raise spec.sessions.memoryLimit or spec.resources.limits.memory, or lower spec.scaling.sessionsPerReplica."
    )


def _lost(pod: Key, status: Mapping[str, Any]) -> Problem:
    detail = shorten(": ".join(text for text in (status.get("reason", ""), status.get("message", "")) if text))
    told = f" ({detail})" if detail else ""
    return Problem(
        reasons.POD_LOST,
        f"Pod {pod} was lost{told}; another is made in its place. "
        f"What happened: kubectl --namespace {pod.namespace} describe pod {pod.name}",
    )


def _unscheduled(pod: Key, status: Mapping[str, Any]) -> Problem | None:
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return Problem(
                reasons.POD_UNSCHEDULABLE,
                f"Pod {pod} finds no node: {shorten(condition.get('message', ''))}. Lower spec.resources or what "
                "spec.podTemplate asks of nodes, or add nodes.",
            )
    return None


def shorten(text: str) -> str:
    """A detail in one line, its end kept: that is where a log says what went wrong."""
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= _LONGEST_DETAIL else "..." + line[-_LONGEST_DETAIL:]
