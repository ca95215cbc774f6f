"""The figures that `kubectl top` shows, from the sandbox's metrics-server."""

import json

from on_sandbox import Kubectl, eventually


def test_metrics_server_tells_what_every_node_uses(kubectl: Kubectl) -> None:
    nodes = {node["metadata"]["name"] for node in kubectl.get("nodes")["items"]}

    def measured() -> dict[str, str]:
        # It answers 503 until it has measured for the first time.
        done = kubectl.run("get", "--raw", "/apis/metrics.k8s.io/v1beta1/nodes")
        items = json.loads(done.stdout)["items"] if done.returncode == 0 else []
        return {item["metadata"]["name"]: item["usage"]["memory"] for item in items}

    eventually(measured, lambda usage: set(usage) == nodes)
