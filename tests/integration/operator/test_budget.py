"""A budget from the first call to the refused one: the operator and a gateway as processes, on a real API server."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pod_endpoint import Pod
from processes import free_port
from voiceagent_api.worker_status import ModelUsage, SessionRecord

SECRET = "a-secret-of-at-least-32-characters"
PRICES = {"currency": "EUR", "models": {"openai": {"inputPerMillionTokens": "2", "outputPerMillionTokens": "8"}}}
LONG_SECONDS = 120
"""More than some times the pause between two writes of status.usage."""


@dataclass
class Gateway:
    """A gateway process."""

    space: Any
    folder: Path
    arguments: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    port: int = 0

    def start(self) -> None:
        install = {"livekit": {"url": "ws://127.0.0.1:1"}, "prices": PRICES}
        (self.folder / "install.yaml").write_text(yaml.safe_dump(install))
        self.port = free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "KUBECONFIG": str(self.space.cluster.kubeconfig("admin", "system:masters")),
        }
        command = [sys.executable, "-m", "voiceagent_gateway", f"--config={self.folder}/install.yaml"]
        with (self.folder / "gateway.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, f"--port={self.port}", *self.arguments], stdout=log, stderr=log, env=environment
            )
        self.space.cluster.until(lambda: self.get("/readyz") == 200, "the gateway is ready", 60)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)

    def ask(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=30, trust_env=False)

    def get(self, path: str) -> int:
        with suppress(httpx.TransportError):
            return self.ask(path).status_code
        return 0

    def token(self, room: str) -> httpx.Response:
        return self.ask(f"/token?agent={self.space.name}/receptionist&room={room}")

    def until_token(self, room: str, code: int) -> httpx.Response:
        found: httpx.Response = self.space.cluster.until(
            lambda: (answer := self.token(room)).status_code == code and answer, f"{code} at /token", LONG_SECONDS
        )
        return found


@pytest.fixture
def start_gateway(space: Any, tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    started: list[Gateway] = []

    def start(*arguments: str) -> Gateway:
        folder = tmp_path / f"gateway-{len(started)}"
        folder.mkdir()
        started.append(Gateway(space, folder, arguments))
        started[-1].start()
        return started[-1]

    yield start
    for gateway in started:
        gateway.stop()


@pytest.fixture
def pod(operator: Any, bare_space: Any) -> Iterator[Pod]:
    """The pod of an agent with a budget."""
    bare_space.secret("livekit", LIVEKIT_API_KEY="devkey", LIVEKIT_API_SECRET=SECRET)
    bare_space.secret("openai", OPENAI_API_KEY="openai-secret-value")
    bare_space.secret("deepgram", DEEPGRAM_API_KEY="deepgram-secret-value")
    made = Pod()
    bare_space.apply(budget={"perDay": "1.00", "onExceeded": "Refuse"})
    bare_space.until_deployed()
    bare_space.serve(address=made.address)
    with made.serving():
        yield made


@pytest.fixture
def space(bare_space: Any) -> Any:
    """The same namespace, whose Secrets the pod's fixture makes."""
    return bare_space


def call(prompt_tokens: int, model: str = "gpt-5", provider: str = "openai") -> SessionRecord:
    usage = ModelUsage(provider=provider, model=model, llm_prompt_tokens=prompt_tokens)
    return SessionRecord(id="s", room="lobby", started_at=datetime.now(UTC), config_revision="c", models=[usage])


def cost(gateway: Gateway) -> str | None:
    """What the gateway tells of the agent's cost; None where it knows nothing of it."""
    body = gateway.ask(f"/usage?agent={gateway.space.name}/receptionist").json()
    return str(body["cost"]) if body["lines"] else None


def until_budget(space: Any, reason: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        condition = space.condition("BudgetOK")
        return condition if condition.get("reason") == reason else None

    found: dict[str, Any] = space.cluster.until(look, f"BudgetOK with reason {reason}", LONG_SECONDS)
    return found


def test_a_budget_is_told_held_and_healed(space: Any, pod: Pod, start_gateway: Callable[..., Gateway]) -> None:
    assert until_budget(space, "NotMeasured")["status"] == "Unknown"

    gateway = start_gateway()
    assert until_budget(space, "WithinBudget")["message"] == "0.00 of 1.00 EUR are used today (UTC)."
    assert gateway.until_token("first", 200)

    pod.says(sessions=[call(600_000)])
    space.cluster.until(lambda: cost(gateway) == "1.20", "the call is counted", LONG_SECONDS)
    refused = gateway.token("second")
    assert refused.status_code == 429
    assert refused.json()["type"].endswith("problem/budget-exceeded")
    assert 1 <= int(refused.headers["retry-after"]) <= 86_400
    assert gateway.token("first").status_code == 200, "who was let in is not sent away"
    beyond = until_budget(space, "BudgetExceeded")
    assert beyond["status"] == "False"
    assert beyond["message"].startswith("1.20 of 1.00 EUR are used today (UTC). New callers are refused")

    def warned() -> bool:
        events = space.list("events")
        return any((event["type"], event["reason"]) == ("Warning", "BudgetExceeded") for event in events)

    space.cluster.until(warned, "an Event says so")

    # The field is the gateway's, and it alone: neither writer takes anything from the other.
    managers = {
        entry["manager"]: entry["fieldsV1"].get("f:status", {})
        for entry in space.get("voiceagents")["metadata"]["managedFields"]
        if entry.get("subresource") == "status"
    }
    assert set(managers["voiceagent-gateway-usage"]) == {"f:usage"}
    assert "f:usage" not in managers["voiceagent-operator"]

    # A gateway that knows nothing of today believes the status, also where no pod can be asked.
    gateway.stop()
    pod.says(sessions=[])
    forgetful = start_gateway()
    assert forgetful.until_token("third", 429).json()["type"].endswith("problem/budget-exceeded")

    space.apply(budget={"perDay": "5.00", "onExceeded": "Refuse"})
    assert until_budget(space, "WithinBudget")["message"].startswith("1.20 of 5.00 EUR")
    assert forgetful.until_token("fourth", 200)

    pod.says(sessions=[call(10, model="talker", provider="acme")])
    unpriced = until_budget(space, "NotPriced")
    assert unpriced["status"] == "Unknown"
    assert "llm.acme/talker" in unpriced["message"]


def test_a_gateway_that_starts_again_with_its_folder_counts_nothing_twice(
    space: Any, pod: Pod, start_gateway: Callable[..., Gateway], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    pod.says(sessions=[call(300_000)])

    first = start_gateway(f"--data-dir={tmp_path}/data")
    space.cluster.until(lambda: cost(first) == "0.60", "the first call is counted", LONG_SECONDS)
    first.stop()
    pod.says(sessions=[call(400_000)])
    second = start_gateway(f"--data-dir={tmp_path}/data")
    assert cost(second) in ("0.60", "0.80"), "the history is there at once"
    space.cluster.until(lambda: cost(second) == "0.80", "and goes on", LONG_SECONDS)
    usage = space.cluster.until(
        lambda: (it := space.get("voiceagents")["status"].get("usage", {})).get("cost") == "0.80" and it,
        "the status says so",
        LONG_SECONDS,
    )
    assert usage["llmPromptTokens"] == 400_000
    assert usage["currency"] == "EUR"
    assert usage["day"] == usage["observedTime"][:10]
