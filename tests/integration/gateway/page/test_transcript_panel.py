"""What is said in a call, read on the fleet page in a real browser, by those whose key may."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from accessibility import expect_nothing_serious
from browser import open_page
from playwright.sync_api import expect
from transcribed_pod import TOKEN, ServedPod

PATIENCE_MILLISECONDS = 60_000
SAID, ANSWERED, LATER = "Do walruses eat lemons?", "I would not know.", "<b>Then ask one.</b>"


@pytest.fixture
def pod(place: Any, tmp_path: Path) -> Iterator[ServedPod]:
    pod = ServedPod(tmp_path / "pod", now=datetime.now(UTC))
    pod.serve()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "receptionist-control", "namespace": place.namespace},
        "stringData": {"token": TOKEN},
    }
    place.cluster.apply(secret)
    place.pod("receptionist-a", pod.port)
    yield pod
    place.delete("pod", "receptionist-a")
    pod.close()


def new_key(place: Any, name: str, *may: str) -> str:
    words = [name, "--metrics", "--agents", f"{place.namespace}/*", "--namespace", place.namespace, *may]
    command = [sys.executable, "-m", "voiceagent_gateway", "make-key", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    place.cluster.do("apply", "--server-side", f"--field-manager={name}", "-f", "-", text=done.stdout)
    (key,) = [line.strip() for line in done.stderr.splitlines() if line.strip().startswith("va_")]
    return key


def test_a_call_is_read_as_it_goes_on_by_those_who_may(
    place: Any, pod: ServedPod, serve: Callable[..., Any], tmp_path: Path
) -> None:
    reader, watcher = new_key(place, "reader", "--transcripts"), new_key(place, "watcher")
    gateway = serve(f"--own-namespace={place.namespace}", auth={"mode": "apiKeys"})
    place.voice_agent(language="en", transcripts={"enabled": True})
    pod.start("AJ_1", "room-one")
    pod.say("AJ_1", SAID)
    pod.say("AJ_1", ANSWERED, who="agent")
    with open_page() as page:
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        expect.set_options(timeout=PATIENCE_MILLISECONDS)
        page.goto(f"{gateway.address}/fleet#{place.namespace}/receptionist")
        page.get_by_test_id("key-input").fill(reader)
        page.get_by_test_id("key-input").press("Enter")
        expect(page.get_by_test_id("call")).to_contain_text("caller 4, agent 4")
        page.get_by_test_id("read-transcript").click()
        expect(page.get_by_role("heading", name="What is said in room-one")).to_be_focused()
        said = page.get_by_test_id("said")
        expect(said).to_have_text([f"Caller: {SAID}", f"Agent: {ANSWERED}"])
        pod.say("AJ_1", LATER)
        expect(said.last).to_have_text(f"Caller: {LATER}")
        for size in ({"width": 1280, "height": 900}, {"width": 390, "height": 844}):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.screenshot(path=tmp_path / f"transcript-{size['width']}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
            expect_nothing_serious(page)
        page.get_by_test_id("language").select_option("fr")
        expect(said.first).to_have_text(f"Appelant: {SAID}")
        expect(page.get_by_test_id("call")).to_contain_text("appelant 7, agent 4")
        page.get_by_test_id("close-transcript").click()
        expect(page.get_by_test_id("read-transcript")).to_be_focused()
        expect(page.get_by_test_id("transcript")).to_be_hidden()
        assert "walrus" not in page.content()

        page.get_by_test_id("read-transcript").click()
        expect(said).to_have_count(3)
        page.get_by_test_id("sign-out").click()
        expect(page.get_by_test_id("sign-in")).to_be_visible()
        assert "walrus" not in page.content()
        page.get_by_test_id("key-input").fill(watcher)
        page.get_by_test_id("key-input").press("Enter")
        page.get_by_test_id("read-transcript").click()
        expect(page.get_by_test_id("transcript")).to_contain_text("Cette clé ne permet pas")
        assert "walrus" not in page.content()

        place.voice_agent(language="en", transcripts={"enabled": False})
        expect(page.get_by_test_id("read-transcript")).to_have_count(0)
        expect(page.get_by_test_id("call")).to_contain_text("appelant 7, agent 4")
