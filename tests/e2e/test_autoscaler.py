"""Kubernetes' HorizontalPodAutoscaler on a VoiceAgent, with its real controller and metrics-server."""

from typing import Any

from on_sandbox import EXAMPLE, Kubectl, eventually

HPA = EXAMPLE.with_name("hpa.yaml")


def test_a_horizontal_pod_autoscaler_reads_the_pods_and_writes_the_replicas(
    receptionist: str, kubectl: Kubectl
) -> None:
    def conditions() -> dict[str, str]:
        told: list[dict[str, Any]] = kubectl.get("hpa", receptionist).get("status", {}).get("conditions", [])
        return {condition["type"]: condition["status"] for condition in told}

    kubectl("apply", "-f", str(HPA))
    try:
        eventually(lambda: kubectl.get("va", receptionist)["spec"]["replicas"], lambda replicas: replicas >= 2)
        eventually(lambda: kubectl.get("va", receptionist)["status"].get("readyReplicas", 0), lambda ready: ready >= 2)
        eventually(conditions, lambda told: told.get("AbleToScale") == told.get("ScalingActive") == "True")
    finally:
        kubectl("delete", "-f", str(HPA))
