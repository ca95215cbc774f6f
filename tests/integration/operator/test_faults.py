"""Bad days: an operator that is killed, a namespace that goes, a CRD that changes under it."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import yaml

AGENTS = 200
KILLS = 50
ONE_EACH = (
    "serviceaccounts",
    "services",
    "poddisruptionbudgets",
    "networkpolicies",
    "secrets",
    "deployments",
    "configmaps",
)
MOST_REVISIONS = 10
FIRST_IMAGE, SECOND_IMAGE = "worker.test/voiceagent-worker:1", "worker.test/voiceagent-worker:2"
PATIENCE_SECONDS = 180.0


class Owner(threading.Thread):
    """Somebody who makes, changes and deletes VoiceAgents of one namespace at random, until told to stop."""

    def __init__(self, space: Any, dice: random.Random) -> None:
        super().__init__(daemon=True)
        self._space, self._dice = space, dice
        self._enough = threading.Event()
        self.wanted: dict[str, dict[str, Any]] = {}
        """The spec that each VoiceAgent was last given."""
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            for number in range(AGENTS):
                self._put(f"agent-{number:03d}")
            while not self._enough.is_set():
                self._put_or_delete(f"agent-{self._dice.randrange(AGENTS):03d}")
                time.sleep(0.05)
        except BaseException as error:
            self.failure = error

    def finish(self) -> dict[str, dict[str, Any]]:
        """Let all that was begun end; returns what is wanted in the end."""
        self._enough.set()
        self.join(60)
        if self.failure:
            raise self.failure
        return self.wanted

    def _put_or_delete(self, name: str) -> None:
        if name in self.wanted and self._dice.random() < 0.3:
            self._space.cluster.call("DELETE", self._path(name))
            del self.wanted[name]
        else:
            self._put(name)

    def _put(self, name: str) -> None:
        changes = {
            "replicas": 0,
            "instructions": f"You are number {self._dice.randrange(1000)}.",
            "image": self._dice.choice((FIRST_IMAGE, SECOND_IMAGE)),
        }
        self._space.cluster.apply(self._space.manifest(name, **changes), "voiceagents")
        self.wanted[name] = changes

    def _path(self, name: str) -> str:
        return f"/apis/voiceagents.dev/v1alpha1/namespaces/{self._space.name}/voiceagents/{name}"


def converged(space: Any, wanted: dict[str, dict[str, Any]]) -> Callable[[], bool]:
    """Whether every VoiceAgent has just its own children, as it last asked for, and its status says so."""

    def look() -> bool:
        agents = {item["metadata"]["name"]: item for item in space.list("voiceagents")}
        if set(agents) != set(wanted):
            return False
        uids = {item["metadata"]["uid"]: name for name, item in agents.items()}
        for item in agents.values():
            status = item.get("status", {})
            ready = [c for c in status.get("conditions", ()) if c["type"] == "Ready"]
            if status.get("observedGeneration") != item["metadata"]["generation"] or not ready:
                return False
        for kind in ONE_EACH:
            if Counter(uids.get(uid) for uid, _ in owned(space, kind)) != Counter(dict.fromkeys(wanted, 1)):
                return False
        return (
            history_is_whole(space, uids, wanted)
            and all(
                item["spec"]["template"]["spec"]["containers"][0]["image"] == wanted[item["metadata"]["name"]]["image"]
                for item in space.list("deployments")
            )
            and all(
                wanted[item["metadata"]["labels"]["voiceagents.dev/agent"]]["instructions"]
                in item["data"]["agent.json"]
                for _, item in owned(space, "configmaps")
            )
        )

    return look


def owned(space: Any, kind: str) -> list[tuple[str, dict[str, Any]]]:
    """All objects of a kind that have an owner, each with its owner's uid."""
    listed = ((item["metadata"].get("ownerReferences"), item) for item in space.list(kind))
    return [(owners[0]["uid"], item) for owners, item in listed if owners]


def history_is_whole(space: Any, uids: dict[str, str], wanted: dict[str, dict[str, Any]]) -> bool:
    """Whether each VoiceAgent has revisions of its own, no number twice, and the newest is what it last asked for."""
    kept: dict[str | None, dict[int, dict[str, Any]]] = {}
    revisions = owned(space, "controllerrevisions")
    for uid, item in revisions:
        kept.setdefault(uids.get(uid), {})[item["revision"]] = item["data"]["spec"]
    return (
        set(kept) == set(wanted)
        and sum(map(len, kept.values())) == len(revisions)
        and all(len(specs) <= MOST_REVISIONS for specs in kept.values())
        and all(
            specs[max(specs)]["instructions"] == wanted[str(name)]["instructions"]
            and specs[max(specs)]["image"] == wanted[str(name)]["image"]
            for name, specs in kept.items()
        )
    )


def test_an_operator_killed_at_random_moments_leaves_nothing_undone_orphaned_or_doubled(
    new_operator: Any, space: Any
) -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    dice = random.Random(seed)
    process = new_operator("--namespace", space.name)
    owner = Owner(space, random.Random(seed + 1))
    owner.start()
    for _ in range(KILLS):
        process.launch()
        time.sleep(dice.uniform(0.2, 3.0))
        process.kill()
        assert owner.failure is None, owner.failure
    process.start()
    space.cluster.until(converged(space, owner.finish()), "all converged", PATIENCE_SECONDS)


def test_a_namespace_that_is_being_deleted_takes_its_agents_and_disturbs_no_other(
    operator: Any, space: Any, other_space: Any
) -> None:
    space.apply()
    space.until_deployed()
    hold = '{"metadata":{"finalizers":["voiceagents.test/hold"]}}'
    space.do("patch", "va", "receptionist", "--type=merge", "-p", hold)
    try:
        space.cluster.do("delete", "namespace", space.name, "--wait=false")
        space.do("delete", "deployment", "receptionist", "--wait=false")
        other_space.secret("livekit", LIVEKIT_API_KEY="key", LIVEKIT_API_SECRET="livekit-secret-value")
        other_space.secret("openai", OPENAI_API_KEY="openai-secret-value")
        other_space.secret("deepgram", DEEPGRAM_API_KEY="deepgram-secret-value")
        other_space.apply()
        other_space.until_deployed()
    finally:
        space.do("patch", "va", "receptionist", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    assert operator.asks("/healthz") == 200


def test_a_crd_that_is_upgraded_under_a_running_operator_changes_nothing_for_it(
    operator: Any, space: Any, crd_manifest: dict[str, Any]
) -> None:
    space.apply()
    before = space.until_deployed()
    newer = json.loads(json.dumps(crd_manifest))
    spec = newer["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    spec["mood"] = {"type": "string", "default": "calm", "description": "A field of a later version."}
    try:
        space.cluster.do("apply", "-f", "-", text=yaml.safe_dump(newer))
        space.cluster.until(lambda: "mood" in space.get("voiceagents")["spec"], "the newer CRD is served")
        space.apply(instructions="You answer the phone of Red Dental.")
        space.cluster.until(
            lambda: (
                space.get("voiceagents")["status"]["observedGeneration"]
                == space.get("voiceagents")["metadata"]["generation"]
            ),
            "the change is taken up",
        )
        assert space.get("deployments")["spec"]["template"] == before["spec"]["template"]
    finally:
        space.cluster.do("apply", "-f", "-", text=yaml.safe_dump(crd_manifest))
        space.cluster.until(lambda: "mood" not in space.get("voiceagents")["spec"], "the CRD is as it was")


@pytest.mark.parametrize("letter", ["x", "é"])
def test_instructions_of_128_kib_are_taken_whole(operator: Any, space: Any, letter: str) -> None:
    text = letter * (131072 // len(letter.encode()))
    space.cluster.call("POST", f"/apis/voiceagents.dev/v1alpha1/namespaces/{space.name}/voiceagents",
                       space.manifest(instructions=text))  # fmt: skip
    space.until_deployed()
    (held,) = [item for item in space.list("configmaps") if "ownerReferences" in item["metadata"]]
    assert json.loads(held["data"]["agent.json"])["instructions"] == text


def test_what_another_field_manager_forces_is_put_back_and_its_own_fields_are_left(operator: Any, space: Any) -> None:
    space.apply()
    image = space.until_deployed()["spec"]["template"]["spec"]["containers"][0]["image"]
    foreign = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "receptionist", "annotations": {"mesh.test/inject": "true"}},
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {"name": "worker", "image": "foreign.test/image:1"},
                        {"name": "proxy", "image": "mesh.test/proxy:1"},
                    ]
                }
            }
        },
    }
    space.do("apply", "--server-side", "--force-conflicts", "--field-manager=mesh", "-f", "-", text=json.dumps(foreign))

    def containers() -> dict[str, str]:
        found = space.get("deployments")["spec"]["template"]["spec"]["containers"]
        return {container["name"]: container["image"] for container in found}

    space.cluster.until(lambda: containers().get("worker") == image, "the worker's image is back")
    assert containers()["proxy"] == "mesh.test/proxy:1"
    assert space.get("deployments")["metadata"]["annotations"]["mesh.test/inject"] == "true"
