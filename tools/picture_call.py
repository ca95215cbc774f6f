"""Takes the call page's pictures of a spoken call on the sandbox: picture_call.py docs/images NAMESPACE/NAME [ADDRESS].

A browser whose microphone is a file of spoken questions calls an agent that is ready; the sandbox's own models hear,
think and speak. What the pictures show is what was said. ADDRESS is where the page is: by default the sandbox's
gateway, or that of `npm run dev`. PYTHONPATH: tests/support and sandbox/src.
"""

import sys
import tempfile
import wave
from pathlib import Path

import httpx
from browser import open_page
from playwright.sync_api import Page, expect

ADDRESS = "http://localhost:8080"
QUESTIONS = ("Are you a dentist?", "Do you treat children?")
SILENCE_SECONDS = (11, 13)
"""Before each question: the greeting is over by then, and so is the first answer."""
SPOKEN_CHARACTERS = 60
PATIENCE_MILLISECONDS = 120_000
SAMPLE_RATE = 24000
DESKTOP, PHONE = {"width": 1100, "height": 760}, {"width": 375, "height": 740}
ENLARGED = 1.5
"""Pixels of the picture for each of the page's."""


def main(folder: Path, agent: str, address: str = ADDRESS) -> None:
    """Make the call, and take the pictures while the last answer is spoken."""
    with (
        tempfile.TemporaryDirectory() as place,
        open_page(microphone(Path(place)), viewport=DESKTOP, device_scale_factor=ENLARGED) as page,
    ):
        expect.set_options(timeout=PATIENCE_MILLISECONDS)
        page.goto(f"{address}/?agent={agent}")
        expect(page.get_by_test_id("call")).to_be_enabled()
        page.get_by_test_id("call").click()
        until_answered(page)
        page.screenshot(path=folder / "call.png")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        page.emulate_media(color_scheme="dark")
        page.wait_for_timeout(500)
        page.screenshot(path=folder / "call-phone.png")
        print("\n".join(page.get_by_test_id("line").all_inner_texts()))
        page.get_by_test_id("hang-up").click()
        expect(page.get_by_test_id("call")).to_be_visible()


def until_answered(page: Page) -> None:
    """Wait until the answer to the last question is being spoken, with its words on the page."""
    lines = page.get_by_test_id("line")
    answers = page.locator('[data-testid="line"][data-who="agent"][data-waited]')
    expect(answers.nth(len(QUESTIONS) - 1)).to_be_visible()
    last = lines.last
    expect(last).to_have_attribute("data-who", "agent")
    expect(page.get_by_test_id("state")).to_have_attribute("data-state", "speaking")
    # The words come as they are spoken; the voice goes on for a while after this many.
    page.wait_for_function(
        "enough => [...document.querySelectorAll('[data-testid=line-text]')].at(-1).textContent.length >= enough",
        arg=SPOKEN_CHARACTERS,
        timeout=PATIENCE_MILLISECONDS,
    )


def microphone(folder: Path) -> Path:
    """The questions in the sandbox's voice, with silence before each and for long after the last."""
    file = folder / "microphone.wav"
    silence = b"\0\0" * SAMPLE_RATE
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE)
        for question, seconds in zip(QUESTIONS, SILENCE_SECONDS, strict=True):
            sound.writeframes(silence * seconds + spoken(question))
        sound.writeframes(silence * 120)
    return file


def spoken(text: str) -> bytes:
    """PCM of 16 bits."""
    body = {"model": "tts-1", "voice": "alloy", "input": text, "response_format": "pcm"}
    answer = httpx.post(
        f"{ADDRESS}/v1/audio/speech", json=body, headers={"Authorization": "Bearer sandbox"}, timeout=60
    )
    return answer.raise_for_status().content


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:4])
