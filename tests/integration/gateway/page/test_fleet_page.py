"""The fleet page in a real browser, served by the gateway's process, of agents on a real API server."""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from accessibility import expect_nothing_serious
from browser import open_page
from playwright.sync_api import Page, expect
from processes import free_port
from voiceagent_api.worker_status import SessionRecord, TurnRecord, WorkerStatus

Start = Callable[..., Any]
PATIENCE_MILLISECONDS = 60_000
SINCE = "2026-05-04T12:00:00Z"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
CONDITIONS = {
    "Ready": ("True", "Ready", "All pods take calls."),
    "Reconciling": ("False", "UpToDate", "Everything is as the spec says."),
    "Stalled": ("False", "NotStalled", ""),
    "ConfigSynced": ("True", "Synced", "2 of 2 pods have config c1."),
    "ProvidersReady": ("True", "Accepted", "deepgram, openai and elevenlabs accepted the keys."),
    "ScalingActive": ("True", "Sessions", "2 pods for 4 calls."),
    "BudgetOK": ("True", "Within", "3.20 of 20.00 EUR are used."),
}
REFUSED = {
    "Ready": ("False", "ProviderRefused", "openai refuses the key of Secret openai (401)."),
    "ProvidersReady": ("False", "Refused", "openai refuses the key of Secret openai (401). Put a valid one into it."),
}


@contextmanager
def visitor(**context: Any) -> Iterator[Page]:
    """An empty page of a browser that is this visitor's."""
    with open_page(**{"viewport": DESKTOP, "timezone_id": "UTC", **context}) as page:
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        expect.set_options(timeout=PATIENCE_MILLISECONDS)
        yield page


def agent_status(place: Any, name: str, ready: str, conditions: dict[str, tuple[str, str, str]], revision: str) -> None:
    said = [
        {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": SINCE}
        for type_, (status, reason, message) in {**CONDITIONS, **conditions}.items()
    ]  # fmt: skip
    status = {
        "agentName": f"{place.namespace}-{name}",
        "readyReplicas": int(ready.split("/")[0]),
        "readySummary": ready,
        "revision": revision,
        "conditions": said,
    }
    patch = json.dumps({"status": status})
    place.cluster.do(
        "patch", "voiceagent", name, "--namespace", place.namespace, "--subresource=status", "--type=merge", "-p", patch
    )


def worker_status(place: Any, agent: str, running: int, ended: int = 0, draining: bool = False) -> dict[str, Any]:
    now, chance = datetime.now(UTC), random.Random(agent)

    def call(number: int, started: datetime, end: datetime | None) -> SessionRecord:
        moments = [started + timedelta(seconds=20 * turn) for turn in range(1, 9)]
        turns = [
            TurnRecord(
                at=at,
                stt_milliseconds=chance.uniform(120, 260),
                llm_ttft_milliseconds=chance.uniform(250, 700),
                tts_ttfb_milliseconds=chance.uniform(90, 200),
                e2e_milliseconds=chance.lognormvariate(6.8, 0.35),
            )
            for at in moments
            if at < (end or now)
        ]
        return SessionRecord(
            id=f"{agent}-{number}",
            room=f"{agent}-web-{number}",
            started_at=started,
            ended_at=end,
            config_revision="c1",
            outcome="active" if end is None else chance.choice(["user_left", "user_left", "completed"]),
            turns=turns,
        )

    over = [
        call(number, start, start + timedelta(minutes=3))
        for number in range(ended)
        for start in [now - timedelta(minutes=55 * (1 - number / max(1, ended)) + 4)]
    ]
    live = [
        call(1000 + number, now - timedelta(seconds=40 + chance.randrange(200)), None)
        for number in range(running)
    ]  # fmt: skip
    status = WorkerStatus(
        namespace=place.namespace,
        agent=agent,
        agent_name=agent,
        pod="p",
        revision="r",
        config_revision="c1",
        registered=True,
        draining=draining,
        session_capacity=5,
        sessions=[*over, *live],
    )
    return status.model_dump(mode="json", by_alias=True)


@pytest.fixture
def serve(place: Any, start_gateway: Start, grant: Callable[..., Path], gateway_rules: Any, built_page: Path) -> Start:
    """Starts a gateway for this test's namespace, with the page."""
    rules = [*gateway_rules, {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]}]
    kubeconfig = grant(f"page-{place.namespace}", place.namespace, rules)

    def start(port: int | None = None, **gateway: Any) -> Any:
        at = [] if port is None else [f"--port={port}"]
        started = start_gateway(
            kubeconfig,
            *at,
            f"--namespace={place.namespace}",
            f"--own-namespace={place.namespace}",
            f"--client-dir={built_page}",
            **gateway,
        )
        started.port = port or started.port
        started.until(started.ready)
        return started

    return start


@pytest.fixture
def fleet(place: Any, start_worker: Start) -> dict[str, Any]:
    """Five agents in as many states; the workers by name."""
    workers = {}

    def agent(name: str, ready: str, conditions: dict[str, tuple[str, str, str]] | None = None, **spec: Any) -> None:
        place.voice_agent(name, **spec)
        agent_status(place, name, ready, conditions or {}, "r1")

    def pod(name: str, agent: str, *calls: int, draining: bool = False) -> None:
        workers[name] = start_worker()
        workers[name].status = worker_status(place, agent, *calls, draining=draining)
        place.pod(name, workers[name].port, agent)

    agent("receptionist", "2/2", scaling={"mode": "Sessions", "maxReplicas": 4, "sessionsPerReplica": 5})
    pod("receptionist-5d9c-a", "receptionist", 3, 14)
    pod("receptionist-5d9c-b", "receptionist", 1, 6)
    agent("sales", "1/1", {"ConfigSynced": ("False", "Waiting", "1 of 2 pods has config c2.")})
    pod("sales-77f4-a", "sales", 2, 4)
    pod("sales-61ab-x", "sales", 1, 0, draining=True)
    agent("support", "0/1", REFUSED)
    agent("night-line", "0/0", {"Ready": ("True", "ScaledToZero", "It sleeps; a caller wakes it.")})
    agent("promotion", "0/0", {"Ready": ("True", "Suspended", "It takes no calls.")}, suspend=True)
    return workers


def test_the_page_shows_what_needs_attention_and_follows_what_changes(
    place: Any, serve: Start, fleet: dict[str, Any], tmp_path: Path
) -> None:
    gateway = serve()
    with visitor() as page:
        page.goto(f"{gateway.address}/fleet")
        expect(page.get_by_test_id("link")).to_have_text("Live")
        rows = page.get_by_test_id("agent")
        expect(rows).to_have_count(5)
        expect(rows.first).to_contain_text("support")
        expect(rows.first).to_contain_text("Failing")
        expect(page.get_by_test_id("attention").first).to_contain_text("refuses the key of Secret openai")
        expect(rows.filter(has_text="receptionist")).to_contain_text("4 of 10")
        shots(page, tmp_path, "fleet")

        rows.filter(has_text="receptionist").get_by_role("link").click()
        expect(page.get_by_role("heading", name="receptionist", exact=True)).to_be_focused()
        assert page.url.endswith(f"#{place.namespace}/receptionist")
        expect(page.get_by_test_id("conditions")).to_contain_text("Providers serve it")
        expect(page.get_by_test_id("revisions")).to_contain_text("current")
        expect(page.get_by_test_id("call")).to_have_count(4)
        expect(page.locator("#charts figure")).to_have_count(2)
        expect(page.locator("#charts")).to_contain_text("95 % within")
        page.get_by_role("button", name="24 hours").click()
        expect(page.get_by_role("button", name="24 hours")).to_have_attribute("aria-pressed", "true")
        page.get_by_role("button", name="1 hour").click()
        shots(page, tmp_path, "agent")

        fleet["receptionist-5d9c-b"].status = worker_status(place, "receptionist", 0)
        expect(page.get_by_test_id("call")).to_have_count(3)
        page.go_back()
        agent_status(place, "support", "1/1", {}, "r1")
        expect(rows.filter(has_text="support")).not_to_contain_text("Failing")

        page.get_by_test_id("language").select_option("fr")
        expect(page.get_by_test_id("link")).to_have_text("En direct")
        expect(page.locator("html")).to_have_attribute("lang", "fr")
        shots(page, tmp_path, "flotte")
        rows.filter(has_text="sales").get_by_role("link").click()
        expect(page.locator("#charts")).to_contain_text("95 % en")
        shots(page, tmp_path, "agent-fr")


def test_a_page_that_lost_its_gateway_says_so_and_finds_it_again(
    place: Any, serve: Start, fleet: dict[str, Any]
) -> None:
    port = free_port()
    first = serve(port)
    with visitor() as page:
        page.goto(f"http://127.0.0.1:{port}/fleet")
        expect(page.get_by_test_id("link")).to_have_text("Live")
        first.stop()
        expect(page.get_by_test_id("link")).to_contain_text("reconnecting")
        expect(page.get_by_test_id("agent")).to_have_count(5)
        serve(port)
        expect(page.get_by_test_id("link")).to_have_text("Live")


def test_a_visitor_signs_in_by_key(place: Any, serve: Start) -> None:
    words = ["board", "--metrics", "--agents", f"{place.namespace}/*", "--namespace", place.namespace]
    command = [sys.executable, "-m", "voiceagent_gateway", "make-key", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    place.cluster.do("apply", "--server-side", "-f", "-", text=done.stdout)
    (key,) = [line.strip() for line in done.stderr.splitlines() if line.strip().startswith("va_")]
    place.voice_agent()
    gateway = serve(auth={"mode": "apiKeys"})

    with visitor() as page:
        page.goto(f"{gateway.address}/fleet")
        box = page.get_by_test_id("key-input")
        expect(box).to_be_focused()
        box.fill("va_board_wrong")
        box.press("Enter")
        expect(page.get_by_test_id("sign-in-fault")).to_contain_text("does not accept this key")
        box.fill(key)
        box.press("Enter")
        expect(page.get_by_test_id("agent")).to_have_count(1)
        assert key not in page.url
        page.reload()
        expect(page.get_by_test_id("agent")).to_have_count(1)
        page.get_by_test_id("sign-out").click()
        expect(page.get_by_test_id("sign-in")).to_be_visible()
        expect(page.get_by_test_id("agent")).to_have_count(0)


def shots(page: Page, folder: Path, name: str) -> None:
    """Pictures on a desk and on a telephone, in light and dark; nothing is wider than the window, and axe agrees."""
    for width, size in {"desktop": DESKTOP, "phone": PHONE}.items():
        for scheme in ("light", "dark"):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.wait_for_timeout(300)
            page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{name} on a {width} is {wide} px too wide"
            expect_nothing_serious(page, f"{name} on a {width} in {scheme}")
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
