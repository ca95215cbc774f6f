"""The Deployment: new pods are ready before old ones go, and all old ones drain their calls at once."""

from voiceagent_operator.build.common import child_metadata, worker_selector
from voiceagent_operator.objects import Object
from voiceagent_operator.resolve import Plan


def build_deployment(plan: Plan, template: Object, replicas: int, progress_deadline_seconds: int) -> Object:
    """The Deployment of an agent's worker pods."""
    agent = plan.agent
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": child_metadata(agent, agent.key.name),
        "spec": {
            "replicas": replicas,
            "progressDeadlineSeconds": progress_deadline_seconds,
            "revisionHistoryLimit": 2,
            "selector": worker_selector(agent),
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "100%"}},
            "template": template,
        },
    }
