"""Which nodes of a cluster that has just been made are there already."""

from typing import Any

from voiceagent_sandbox.cluster import RegisteredNode, registered


def node(pod_cidr: str | None, *addresses: tuple[str, str]) -> dict[str, Any]:
    return {
        "metadata": {"name": "one"},
        "spec": {"podCIDR": pod_cidr} if pod_cidr else {},
        "status": {"addresses": [{"type": kind, "address": address} for kind, address in addresses]},
    }


def test_a_node_counts_from_when_it_has_an_address_and_a_range_for_its_pods() -> None:
    whole = node("198.19.1.0/24", ("Hostname", "one"), ("InternalIP", "198.18.128.2"))
    unaddressed, without_range = node("198.19.1.0/24", ("Hostname", "one")), node(None, ("InternalIP", "198.18.128.2"))
    only_named: dict[str, Any] = {"metadata": {"name": "one"}, "spec": {}, "status": {}}
    assert registered([whole, unaddressed, without_range, only_named]) == [
        RegisteredNode("one", "198.19.1.0/24", "198.18.128.2")
    ]
