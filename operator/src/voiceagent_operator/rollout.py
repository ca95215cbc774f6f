"""How far a Deployment is, read from its status. Pure."""

from dataclasses import dataclass

from voiceagent_operator import reasons
from voiceagent_operator.objects import Object, metadata
from voiceagent_operator.reasons import Problem


@dataclass(frozen=True, slots=True)
class Rollout:
    """Counts of worker pods. Pods that drain their last calls are no longer counted by a Deployment."""

    wanted: int
    """How many there should be in the end."""
    target: int
    """How many the Deployment is to have now: more, where pods finish their calls before they go."""
    replicas: int
    ready: int
    updated: int
    seen: bool
    """Whether the Deployment's controller has seen its newest spec: until then the counts are old."""
    stopped: bool
    """Whether the Deployment has given up waiting for new pods."""

    @property
    def failed(self) -> bool:
        """Whether it has given up on the template that it has now."""
        return self.seen and self.stopped

    @property
    def complete(self) -> bool:
        """Whether only new pods are left, and all that are to stay are ready."""
        return self.seen and self.replicas == self.updated == self.target and self.ready >= self.staying

    @property
    def staying(self) -> int:
        """How many of the Deployment's pods are not about to go."""
        return min(self.wanted, self.target)

    @property
    def going(self) -> int:
        """How many pods are there only until their calls are over."""
        return max(0, self.target - self.wanted)

    @property
    def under_way(self) -> bool:
        """Whether pods are being replaced or waited for."""
        return not self.complete and not self.stopped

    @property
    def progress(self) -> str:
        """Where a rollout is, in a sentence."""
        if not self.seen:
            return "The Deployment is about to take up its newest template."
        old = self.replicas - self.updated
        tail = f", {old} of earlier ones are still there" if old > 0 else ""
        return f"{self.updated} of {self.target} worker pods of the newest revision exist{tail}."


def deployment_failure(deployment: Object | None) -> Problem | None:
    """What keeps a Deployment from making its pods: a quota, a policy, an admission that refuses."""
    for condition in ((deployment or {}).get("status") or {}).get("conditions") or ():
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            told = str(condition.get("message", "")).rstrip(".")
            quota = "exceeded quota" in told
            cure = (
                "Raise the ResourceQuota, or lower spec.resources or the number of pods."
                if quota
                else "Correct what it names, or ask whoever set that rule."
            )
            return Problem(
                reasons.QUOTA_EXCEEDED if quota else reasons.PODS_REFUSED, f"Worker pods cannot be made: {told}. {cure}"
            )
    return None


def read_rollout(deployment: Object | None, wanted_replicas: int | None) -> Rollout:
    """The rollout of a Deployment. Where it is not known how many pods are wanted, its own number holds."""
    body = deployment or {}
    status = body.get("status") or {}
    own = (body.get("spec") or {}).get("replicas")
    wanted = wanted_replicas if wanted_replicas is not None else own or 0
    generation = metadata(body).get("generation")
    return Rollout(
        wanted=wanted,
        target=wanted if own is None else own,
        replicas=status.get("replicas", 0),
        ready=status.get("readyReplicas", 0),
        updated=status.get("updatedReplicas", 0),
        seen=generation is not None and status.get("observedGeneration", 0) >= generation,
        stopped=any(
            condition.get("type") == "Progressing" and condition.get("status") == "False"
            for condition in status.get("conditions") or ()
        ),
    )
