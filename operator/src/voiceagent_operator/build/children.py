"""All children of a VoiceAgent at once."""

from dataclasses import dataclass

from voiceagent_api.agent_config import config_revision
from voiceagent_api.install import NetworkPolicyDefaults, RolloutDefaults
from voiceagent_operator.build.config_map import build_config_map, build_config_text
from voiceagent_operator.build.deployment import build_deployment
from voiceagent_operator.build.network_policy import build_network_policy
from voiceagent_operator.build.pod_disruption_budget import build_pod_disruption_budget
from voiceagent_operator.build.pod_template import build_pod_template
from voiceagent_operator.build.service import build_service
from voiceagent_operator.build.service_account import build_service_account
from voiceagent_operator.objects import Object
from voiceagent_operator.resolve import Plan

_ANYBODY = NetworkPolicyDefaults()
_USUAL = RolloutDefaults()


@dataclass(frozen=True, slots=True)
class Children:
    """What should exist for a VoiceAgent."""

    revision: str
    """Of the pod template."""
    config_revision: str
    """Of the config file."""
    service_account: Object
    service: Object
    pod_disruption_budget: Object
    network_policy: Object | None
    config_map: Object
    deployment: Object

    @property
    def before_pods(self) -> tuple[Object, ...]:
        """What pods need in order to start, so it is applied first."""
        children = (
            self.service_account,
            self.service,
            self.pod_disruption_budget,
            self.network_policy,
            self.config_map,
        )
        return tuple(child for child in children if child is not None)

    @property
    def all(self) -> tuple[Object, ...]:
        """Every child."""
        return (*self.before_pods, self.deployment)


def build_children(
    plan: Plan,
    livekit_stamp: str,
    network_policy: NetworkPolicyDefaults = _ANYBODY,
    *,
    replicas: int | None = None,
    rollout: RolloutDefaults = _USUAL,
) -> Children:
    """The children of a plan; `livekit_stamp` changes with the LiveKit Secret.

    `replicas` is how many pods there should be just now, where that is not what the spec says.
    """
    template, revision = build_pod_template(plan, livekit_stamp)
    text = build_config_text(plan)
    pods = plan.agent.wanted_replicas if replicas is None else replicas
    return Children(
        revision=revision,
        config_revision=config_revision(text),
        service_account=build_service_account(plan.agent),
        service=build_service(plan.agent),
        pod_disruption_budget=build_pod_disruption_budget(plan.agent),
        network_policy=build_network_policy(plan.agent, network_policy) if network_policy.enabled else None,
        config_map=build_config_map(plan, revision, text),
        deployment=build_deployment(plan, template, pods, rollout.progress_deadline_seconds),
    )
