"""An agent that sleeps until somebody calls: real pods, a real browser, and a node that is not there yet."""

from pathlib import Path
from typing import Any

import yaml
from browser import open_page
from on_sandbox import ADDRESS, EXAMPLE, Kubectl, eventually
from playwright.sync_api import expect

AGENT = "night-desk"
ROOM_FOR_IT = "example.test/night"
PATIENCE_MILLISECONDS = 120_000


def manifest() -> dict[str, Any]:
    """No pod while nobody calls, and none before a node has a label: so it is seen how a caller waits."""
    document: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    document["metadata"] = {"name": AGENT, "namespace": "default"}
    del document["spec"]["replicas"]
    document["spec"] |= {
        "scaling": {"mode": "Sessions", "minReplicas": 0, "maxReplicas": 1, "scaleDownStabilizationSeconds": 5},
        "podTemplate": {"nodeSelector": {ROOM_FOR_IT: "true"}},
    }
    return document


def test_a_caller_wakes_an_agent_and_is_told_to_wait(kubectl: Kubectl, artefacts: Path) -> None:
    kubectl("delete", "voiceagent", "--all", "--ignore-not-found", "--wait=true")
    kubectl.apply(manifest())
    asleep = eventually(lambda: kubectl.condition(AGENT, "Ready"), lambda told: told["reason"] == "Asleep")
    assert asleep["message"]
    assert kubectl.pods(AGENT) == []
    node = kubectl.get("nodes", "-l", "!node-role.kubernetes.io/control-plane")["items"][0]["metadata"]["name"]
    try:
        with open_page() as page:
            page.goto(f"{ADDRESS}/?agent=default/{AGENT}")
            call = page.get_by_test_id("call")
            expect(call).to_be_enabled(timeout=PATIENCE_MILLISECONDS)
            call.click()
            state = page.get_by_test_id("state")
            expect(state).to_have_text("The agent is waking up…", timeout=PATIENCE_MILLISECONDS)
            expect(page.get_by_test_id("hint")).to_contain_text("is waking up: ")
            page.screenshot(path=artefacts / "agent-waking.png")
            # The page is between two questions for a token, and the operator keeps the pod for the caller all the same.
            eventually(lambda: len(kubectl.pods(AGENT)), lambda pods: pods == 1)
            kubectl("label", "node", node, f"{ROOM_FOR_IT}=true")
            greeting = page.get_by_test_id("line").filter(has_text="Blue Dental").first
            expect(greeting).to_be_visible(timeout=PATIENCE_MILLISECONDS)
            page.get_by_test_id("hang-up").click()
            expect(call).to_be_visible(timeout=PATIENCE_MILLISECONDS)
        eventually(lambda: kubectl.pods(AGENT), lambda pods: not pods)
        eventually(lambda: kubectl.condition(AGENT, "Ready"), lambda told: told["reason"] == "Asleep")
        assert kubectl.get("va", AGENT)["status"]["demand"]["waiting"] == 0
    finally:
        kubectl("label", "node", node, f"{ROOM_FOR_IT}-")
        kubectl("delete", "voiceagent", AGENT)
