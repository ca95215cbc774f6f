"""The web client in a real browser, with a wav as its microphone."""

import wave
from pathlib import Path

import httpx
from browser import open_page
from on_sandbox import ADDRESS, Kubectl, eventually, sessions
from playwright.sync_api import expect
from speech_journal import same_words, start_journal, written_by_model

PATIENCE_MILLISECONDS = 120_000
QUESTION = "Are you open on Saturday?"
SPEAK_AFTER_SECONDS = 12
PATIENCE_SECONDS = PATIENCE_MILLISECONDS / 1000
SOUND_ENERGY = 1e-4
"""That of a second of speech at a hundredth of full scale: more than the noise of coding silence."""

KEEP_CONNECTIONS = """
window.connections = [];
window.RTCPeerConnection = class extends window.RTCPeerConnection {
  constructor(...args) { super(...args); window.connections.push(this); }
};
"""
ENERGY_PLAYED = """async () => {
  let energy = 0;
  for (const connection of window.connections)
    for (const [, stats] of await connection.getStats())
      if (stats.type === "inbound-rtp" && stats.kind === "audio") energy += stats.totalAudioEnergy ?? 0;
  return energy;
}"""


def question_wav(web: httpx.Client, folder: Path) -> Path:
    """The question with silence around it, since the browser plays the file over and over from its start."""
    body = {"model": "tts-1", "voice": "alloy", "input": QUESTION, "response_format": "pcm"}
    spoken = (
        web.post("/v1/audio/speech", json=body, headers={"Authorization": "Bearer test"}).raise_for_status().content
    )
    file = folder / "microphone.wav"
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(24000)
        silence = b"\0\0" * 24000
        sound.writeframes(silence * SPEAK_AFTER_SECONDS + spoken + silence * 60)
    return file


def test_a_person_in_a_browser_talks_with_the_agent(
    receptionist: str, kubectl: Kubectl, web: httpx.Client, artefacts: Path
) -> None:
    start_journal(web)
    microphone = question_wav(web, artefacts)
    with open_page(microphone) as page:
        page.add_init_script(KEEP_CONNECTIONS)
        page.goto(f"{ADDRESS}/?agent=default/{receptionist}")
        call = page.get_by_test_id("call")
        expect(call).to_be_enabled(timeout=PATIENCE_MILLISECONDS)
        call.click()
        lines = page.get_by_test_id("line")
        greeting = lines.filter(has_text="Blue Dental").first
        expect(greeting).to_be_visible(timeout=PATIENCE_MILLISECONDS)
        # The browser counts the energy of what it gives to the loudspeaker.
        eventually(lambda: page.evaluate(ENERGY_PLAYED), lambda energy: energy > SOUND_ENERGY, PATIENCE_SECONDS)
        fleet = eventually(lambda: sessions(web), lambda seen: seen["active_count"] == 1, PATIENCE_SECONDS)
        room = fleet["sessions"][0]["room"]
        # A machine under load may hear the question in pieces, so that it stands in any of the lines.
        mine = page.locator('[data-testid="line"][data-who="you"]').filter(has_text="Saturday")
        expect(mine.first).to_be_visible(timeout=PATIENCE_MILLISECONDS)
        answers = page.locator('[data-testid="line"][data-who="agent"]')
        expect(answers.nth(1)).to_have_attribute("data-final", "true", timeout=PATIENCE_MILLISECONDS)
        shown = answers.nth(1).get_by_test_id("line-text").inner_text()
        eventually(
            lambda: written_by_model(web),
            lambda written: any(same_words(shown, answer) for answer in written),
            PATIENCE_SECONDS,
        )
        page.screenshot(path=artefacts / "browser-call.png")
        page.get_by_test_id("hang-up").click()
        expect(page.get_by_test_id("call")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    eventually(
        lambda: [session["room"] for session in sessions(web)["recent"]], lambda ended: room in ended, PATIENCE_SECONDS
    )
