"""The kind cluster: one control plane, two workers, reachable from this machine's loopback only."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voiceagent_sandbox import servers
from voiceagent_sandbox.engine import BRIDGE_NAME, lacks_sys_resource
from voiceagent_sandbox.paths import CLUSTER_NAME, Paths
from voiceagent_sandbox.process import Runner, SandboxError

POD_SUBNET = "198.19.0.0/17"
SERVICE_SUBNET = "198.19.128.0/18"
TEST_RANGE = "198.18.0.0/15"
HTTP_PORT = 8080
NODE_REGISTERED_SECONDS = 120
NODE_READY_SECONDS = 240
KIND_LABEL = f"label=io.x-k8s.kind.cluster={CLUSTER_NAME}"
WORKERS = (f"{CLUSTER_NAME}-worker", f"{CLUSTER_NAME}-worker2")


@dataclass(frozen=True)
class RegisteredNode:
    """A node that the API server knows, with all that its pods' network needs."""

    name: str
    pod_cidr: str
    address: str


class Cluster:
    """Creates, finds and deletes the cluster."""

    def __init__(self, paths: Paths, runner: Runner, env: dict[str, str], built: servers.Servers) -> None:
        self._paths = paths
        self._runner = runner
        self._env = {
            **env,
            "KIND_EXPERIMENTAL_DOCKER_NETWORK": CLUSTER_NAME,
            "KUBECONFIG": str(paths.kubeconfig),
        }
        self._kind = built.bin / "kind"
        self._kubectl = built.bin / "kubectl"
        self._marker = paths.run / "cluster.json"

    def up(self, node_image: str) -> bool:
        """Have a whole cluster of that image. Returns whether it was made anew."""
        if self._whole(node_image):
            return False
        self.down()
        self._network()
        made_here = node_image.startswith("voiceagent-node")
        config = self._paths.run / "kind.json"
        config.write_text(json.dumps(kind_config(made_here), indent=1))
        create = (
            "create",
            "cluster",
            "--name",
            CLUSTER_NAME,
            "--image",
            node_image,
            "--config",
            config,
            "--quiet",
        )
        self._runner.run(self._kind, *create, env=self._env, timeout_seconds=600)
        nodes = self._registered_nodes()
        if made_here:
            self._join_pod_networks(nodes)
        self._runner.run(
            *(
                self._kubectl,
                "wait",
                "--for=condition=Ready",
                "nodes",
                "--all",
                f"--timeout={NODE_READY_SECONDS}s",
            ),
            env=self._env,
            timeout_seconds=NODE_READY_SECONDS + 30,
        )
        self._marker.write_text(json.dumps({"nodeImage": node_image, "nodes": self._nodes()}))
        return True

    def down(self) -> None:
        """Delete the cluster and its network, whole or not."""
        self._marker.unlink(missing_ok=True)
        nodes = self._runner.run("docker", "ps", "-aq", "--filter", KIND_LABEL, env=self._env).split()
        with ThreadPoolExecutor(max_workers=4) as pool:
            # Most of the time goes into removing each node's images from the disk.
            list(pool.map(lambda node: self._runner.run("docker", "rm", "-f", "-v", node, env=self._env), nodes))
        if self._runner.succeeds("docker", "network", "inspect", CLUSTER_NAME, env=self._env):
            self._runner.run("docker", "network", "rm", CLUSTER_NAME, env=self._env)
        self._paths.kubeconfig.unlink(missing_ok=True)

    def remains(self) -> bool:
        """Whether the engine in use has containers or the network of such a cluster."""
        return bool(
            self._runner.run("docker", "ps", "-aq", "--filter", KIND_LABEL, env=self._env).strip()
        ) or self._runner.succeeds("docker", "network", "inspect", CLUSTER_NAME, env=self._env)

    def _whole(self, node_image: str) -> bool:
        """Whether the cluster is the one that was made last, and its nodes have run and been Ready since.

        Nodes that were started again may have changed addresses, and the pod networks' routes name addresses.
        """
        try:
            made = json.loads(self._marker.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        if made.get("nodeImage") != node_image or made.get("nodes") != self._nodes():
            return False
        wait = ("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=60s")
        return self._runner.succeeds(self._kubectl, *wait, env=self._env, timeout_seconds=90)

    def _nodes(self) -> str:
        """Each running node's container and when it was started."""
        form = "{{.Name}} {{.Id}} {{.State.StartedAt}}"
        running = self._runner.run("docker", "ps", "-q", "--filter", KIND_LABEL, env=self._env).split()
        return self._runner.run("docker", "inspect", "-f", form, *sorted(running), env=self._env) if running else ""

    def _network(self) -> None:
        if self._runner.succeeds("docker", "network", "inspect", CLUSTER_NAME, env=self._env):
            return
        name = f"com.docker.network.bridge.name={BRIDGE_NAME}"
        self._runner.run(
            *("docker", "network", "create", "--subnet", "198.18.128.0/24", "--opt", name, CLUSTER_NAME),
            env=self._env,
        )

    def _registered_nodes(self) -> list["RegisteredNode"]:
        """All nodes, with their addresses. A kubelet may tell of its node only after kind has ended."""
        wanted = 1 + len(WORKERS)
        deadline = time.monotonic() + NODE_REGISTERED_SECONDS
        while True:
            said = self._runner.run(self._kubectl, "get", "nodes", "-o", "json", env=self._env)
            nodes = registered(json.loads(said)["items"])
            if len(nodes) == wanted:
                return nodes
            if time.monotonic() >= deadline:
                raise SandboxError(
                    f"{len(nodes)} of {wanted} nodes came up in {NODE_REGISTERED_SECONDS} s; another try may help."
                )
            time.sleep(0.5)

    def _join_pod_networks(self, nodes: list["RegisteredNode"]) -> None:
        """Give each node a bridge for its pods, and routes to the others'. A unit sets them again at each start."""
        for node in nodes:
            others = [other for other in nodes if other != node]
            routes = [f"ip route replace {other.pod_cidr} via {other.address}" for other in others]
            # Pods and nodes see each other's own addresses; only what leaves the sandbox takes the node's.
            masquerade = f"POSTROUTING -s {POD_SUBNET} ! -d {TEST_RANGE} -j MASQUERADE"
            routes.append(f"iptables -t nat -C {masquerade} || iptables -t nat -A {masquerade}")
            unit = (
                "[Unit]\nAfter=network.target\n[Service]\nType=oneshot\nRemainAfterExit=yes\n"
                "ExecStart=/bin/sh /etc/voiceagent-routes.sh\n[Install]\nWantedBy=multi-user.target\n"
            )
            files = {
                "/etc/voiceagent-routes.sh": "set -e\n" + "\n".join(routes) + "\n",
                "/etc/systemd/system/voiceagent-routes.service": unit,
                "/etc/cni/net.d/10-bridge.conflist": json.dumps(bridge_network(node.pod_cidr)),
            }
            for file, text in files.items():
                write = (
                    "docker",
                    "exec",
                    "-i",
                    node.name,
                    "sh",
                    "-c",
                    f"mkdir -p $(dirname {file}) && cat > {file}",
                )
                self._runner.run(*write, stdin=text, env=self._env)
            enable = ("systemctl", "enable", "--now", "voiceagent-routes.service")
            self._runner.run("docker", "exec", node.name, *enable, env=self._env)


def registered(items: list[dict[str, Any]]) -> list[RegisteredNode]:
    """Those of the API server's nodes that have an address and a range for their pods already."""
    found = []
    for item in items:
        pod_cidr = item["spec"].get("podCIDR")
        addresses = item["status"].get("addresses") or []
        internal = [address["address"] for address in addresses if address["type"] == "InternalIP"]
        if pod_cidr and internal:
            found.append(RegisteredNode(item["metadata"]["name"], pod_cidr, internal[0]))
    return found


def bridge_network(pod_cidr: str) -> dict[str, object]:
    """The CNI configuration of one node: a bridge for its pods, host ports, loopback by containerd itself."""
    return {
        "cniVersion": "1.0.0",
        "name": "sandbox",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": True,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": pod_cidr}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def kind_config(made_here: bool) -> dict[str, object]:
    """kind's configuration; `made_here` for a node image without kind's own network plugin."""
    kubelet = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
    }
    proxy = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "conntrack": {"maxPerCore": 0, "min": 0},
    }
    on_loopback = {
        "containerPort": HTTP_PORT,
        "hostPort": HTTP_PORT,
        "listenAddress": "127.0.0.1",
        "protocol": "TCP",
    }
    config: dict[str, object] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": {
            "apiServerAddress": "127.0.0.1",
            "disableDefaultCNI": made_here,
            "podSubnet": POD_SUBNET,
            "serviceSubnet": SERVICE_SUBNET,
        },
        "kubeadmConfigPatches": [json.dumps(kubelet), json.dumps(proxy)],
        "nodes": [
            {"role": "control-plane", "extraPortMappings": [on_loopback]},
            {"role": "worker"},
            {"role": "worker"},
        ],
    }
    if lacks_sys_resource():
        config["containerdConfigPatches"] = ['[plugins."io.containerd.grpc.v1.cri"]\n  restrict_oom_score_adj = true\n']
    return config


@dataclass(frozen=True, slots=True)
class Nodes:
    """Where things run: `edge` has LiveKit and the ingress, `workers` the rest."""

    edge: str
    workers: tuple[str, ...]


def find_nodes(runner: Runner, kubectl: Path, env: dict[str, str]) -> Nodes:
    """The cluster's nodes: the control plane is the edge where it is a node, else the first node is."""
    items = json.loads(runner.run(kubectl, "get", "nodes", "-o", "json", env=env))["items"]
    if not items:
        raise SandboxError("The cluster has no nodes.")
    planes = [n["metadata"] for n in items if "node-role.kubernetes.io/control-plane" in n["metadata"]["labels"]]
    edge = (planes or [items[0]["metadata"]])[0]["name"]
    others = tuple(node["metadata"]["name"] for node in items if node["metadata"]["name"] != edge)
    return Nodes(edge, others or (edge,))
