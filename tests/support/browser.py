"""A real browser whose microphone is a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright
from voiceagent_sandbox.requirements import CHROMIUM_PROGRAMS, find_program

_FLAGS = (
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
)
_ALLOWS_MICROPHONE = "--use-fake-ui-for-media-stream"


@contextmanager
def open_page(microphone: Path | None = None, *, refused: bool = False, **context: Any) -> Iterator[Page]:
    """An empty page; without a file the microphone beeps, and where it is refused there is none.

    `context` is what Playwright knows of a visitor: locale, color_scheme, viewport and the like.
    """
    chromium = next(filter(None, map(find_program, CHROMIUM_PROGRAMS)), None)
    assert chromium, "Chromium is missing; run these tests by make."
    speaks = [f"--use-file-for-fake-audio-capture={microphone}"] if microphone else []
    allows = [] if refused else [_ALLOWS_MICROPHONE]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=[*_FLAGS, *allows, *speaks])
        try:
            known = {"viewport": {"width": 1100, "height": 800}, "locale": "en-GB", **context}
            yield browser.new_context(**known).new_page()
        finally:
            browser.close()
