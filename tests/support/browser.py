"""A real browser whose microphone is a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from voiceagent_sandbox.requirements import CHROMIUM_PROGRAMS, find_program

_FLAGS = (
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
)


@contextmanager
def open_page(microphone: Path | None = None) -> Iterator[Page]:
    """An empty page; without a file the microphone beeps."""
    chromium = next(filter(None, map(find_program, CHROMIUM_PROGRAMS)), None)
    assert chromium, "Chromium is missing; run these tests by `make test-e2e`."
    speaks = [f"--use-file-for-fake-audio-capture={microphone}"] if microphone else []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=[*_FLAGS, *speaks])
        try:
            yield browser.new_page(viewport={"width": 1100, "height": 800})
        finally:
            browser.close()
