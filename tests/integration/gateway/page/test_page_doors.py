"""Who may call from the page, and where the page may stand: keys, other sites, languages, and who cannot see it."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from accessibility import expect_nothing_serious
from browser import open_page
from playwright.sync_api import Page, expect
from room_agent import RoomAgent

PATIENCE_MILLISECONDS = 60_000
PHONE = {"width": 375, "height": 740}
Serve = Callable[..., Any]

expect.set_options(timeout=PATIENCE_MILLISECONDS)


def make_key(place: Any, name: str, agents: str) -> str:
    """A key of the gateway's own making, in the Secret that it watches."""
    command = [sys.executable, "-m", "voiceagent_gateway", "make-key", name, "--agents", agents]
    done = subprocess.run(
        [*command, "--namespace", place.namespace], capture_output=True, text=True, timeout=60, check=True
    )
    place.cluster.do("apply", "--server-side", f"--field-manager=key-{name}", "-f", "-", text=done.stdout)
    (key,) = [line.strip() for line in done.stderr.splitlines() if line.strip().startswith("va_")]
    return key


@pytest.fixture
def guarded(serve: Serve, place: Any) -> Any:
    """A gateway that asks for API keys."""
    return serve(f"--own-namespace={place.namespace}", auth={"mode": "apiKeys"})


def sign_in(page: Page, key: str) -> None:
    page.get_by_test_id("key-input").fill(key)
    page.get_by_test_id("sign-in-submit").click()


def test_a_key_is_asked_for_lets_in_and_is_forgotten_with_the_tab(guarded: Any, place: Any, agent: RoomAgent) -> None:
    key = make_key(place, "website", f"{place.namespace}/*")
    with open_page() as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(guarded.address)
        expect(page.get_by_test_id("sign-in")).to_be_visible()
        expect(page.get_by_test_id("call")).to_be_hidden()
        sign_in(page, "va_website_wrong")
        expect(page.get_by_test_id("sign-in-fault")).to_contain_text("does not accept this key")
        sign_in(page, "not a kéy")
        expect(page.get_by_test_id("sign-in-fault")).to_contain_text("Copy it again")
        sign_in(page, key)
        expect(page.get_by_test_id("sign-in")).to_be_hidden()
        page.get_by_test_id("call").click()
        agent.join()
        expect(page.get_by_test_id("state")).to_have_text("Listening")
        page.get_by_test_id("hang-up").click()

        page.reload()
        expect(page.get_by_test_id("call")).to_be_enabled()
        assert page.evaluate("JSON.stringify({...localStorage}) + document.cookie").find(key) == -1
        assert not [url for url in asked if key in url]
        other_tab = page.context.new_page()
        other_tab.goto(guarded.address)
        expect(other_tab.get_by_test_id("sign-in")).to_be_visible()
        page.get_by_test_id("sign-out").click()
        expect(page.get_by_test_id("sign-in")).to_be_visible()
        assert page.evaluate("sessionStorage.length") == 0
    assert key not in guarded.log


def test_a_key_for_other_agents_is_told_what_it_may_not(guarded: Any, place: Any) -> None:
    key = make_key(place, "sales", "sales/*")
    with open_page() as page:
        page.goto(f"{guarded.address}/?agent={place.namespace}/receptionist")
        sign_in(page, key)
        expect(page.get_by_test_id("call")).to_be_enabled()
        page.get_by_test_id("call").click()
        expect(page.get_by_test_id("error")).to_contain_text('API key "sales" may not')
        page.get_by_test_id("language").select_option("fr")
        expect(page.get_by_test_id("error")).to_contain_text("Vous ne pouvez pas appeler cet agent.")
        expect(page.get_by_test_id("error")).to_contain_text('API key "sales" may not')


def test_a_key_that_is_taken_back_is_asked_for_again(guarded: Any, place: Any) -> None:
    key = make_key(place, "website", f"{place.namespace}/*")
    with open_page() as page:
        page.goto(guarded.address)
        sign_in(page, key)
        expect(page.get_by_test_id("call")).to_be_enabled()
        place.delete("secret", "voiceagents-api-keys")
        guarded.until(lambda: guarded.get("/agents", headers={"Authorization": f"Bearer {key}"}).status_code == 401)
        page.get_by_test_id("call").click()
        expect(page.get_by_test_id("sign-in-fault")).to_contain_text("does not accept this key")


def test_the_page_speaks_the_browsers_language_and_another_when_told(serve: Serve) -> None:
    gateway = serve()
    with open_page(locale="fr-CA") as page:
        page.goto(gateway.address)
        expect(page.get_by_test_id("state")).to_have_text("Prêt à appeler")
        expect(page.locator("html")).to_have_attribute("lang", "fr")
        expect(page.get_by_test_id("agent-note")).to_have_text("Prêt, parle anglais")
        page.get_by_test_id("language").select_option("en")
        expect(page.get_by_test_id("state")).to_have_text("Ready to call")
        page.reload()
        expect(page.get_by_test_id("state")).to_have_text("Ready to call")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desktop", "phone"])
def test_everybody_can_use_the_page(
    serve: Serve, agent: RoomAgent, scheme: str, viewport: dict[str, int] | None
) -> None:
    gateway = serve()
    with open_page(color_scheme=scheme, **({"viewport": viewport} if viewport else {})) as page:
        page.goto(gateway.address)
        call = page.get_by_test_id("call")
        expect(call).to_be_enabled()
        page.get_by_test_id("devices").locator("summary").click()
        expect_nothing_serious(page)
        # By the keyboard alone, from the page's beginning.
        page.get_by_test_id("devices").locator("summary").click()
        page.get_by_test_id("language").focus()
        for _ in range(10):
            page.keyboard.press("Tab")
            if call.evaluate("button => button === document.activeElement"):
                break
        page.keyboard.press("Enter")
        agent.join()
        expect(page.get_by_test_id("state")).to_have_text("Listening")
        expect(page.get_by_test_id("hang-up")).to_be_focused()
        agent.say("Hello, how can I help?", "a0")
        expect(page.get_by_test_id("announcer")).to_contain_text("receptionist: Hello, how can I help?")
        expect_nothing_serious(page)
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("state")).to_have_text("Call ended")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than its window"


def test_everybody_can_sign_in(guarded: Any) -> None:
    with open_page(viewport=PHONE) as page:
        page.goto(guarded.address)
        expect(page.get_by_test_id("key-input")).to_be_focused()
        sign_in(page, "va_website_wrong")
        expect(page.get_by_test_id("sign-in-fault")).to_be_visible()
        expect_nothing_serious(page)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Another web site: its origin, and the folder of its pages."""
    folder = tmp_path / "site"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_address[1]}", folder
    server.shutdown()
    server.server_close()


def embed(site: tuple[str, Path], gateway: Any, place: Any) -> None:
    tag = f'<script src="{gateway.address}/embed.js" data-agent="{place.namespace}/receptionist"></script>'
    (site[1] / "index.html").write_text(f"<!doctype html><html lang=en><head>{tag}<title>Blue Dental</title><p>Hello")


def test_one_script_tag_puts_a_call_button_on_a_site_that_is_allowed(
    serve: Serve, place: Any, agent: RoomAgent, site: tuple[str, Path]
) -> None:
    gateway = serve(allowedOrigins=[site[0]])
    embed(site, gateway, place)
    with open_page() as page:
        page.goto(site[0])
        button = page.get_by_role("button", name="Call us")
        button.click()
        frame = page.frame_locator("iframe")
        expect(frame.get_by_test_id("call")).to_be_enabled()
        frame.get_by_test_id("call").click()
        agent.join()
        expect(frame.get_by_test_id("state")).to_have_text("Listening")
        expect_nothing_serious(page)
        page.get_by_role("button", name="Hang up and close").click()
        expect(page.locator("iframe")).to_have_count(0)
        expect(button).to_have_attribute("aria-expanded", "false")


def test_a_site_that_is_not_allowed_cannot_show_the_page(serve: Serve, place: Any, site: tuple[str, Path]) -> None:
    gateway = serve(allowedOrigins=["https://www.example.com"])
    embed(site, gateway, place)
    with open_page() as page:
        page.goto(site[0])
        with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
            page.get_by_role("button", name="Call us").click()
        expect(page.frame_locator("iframe").get_by_test_id("call")).to_have_count(0)
