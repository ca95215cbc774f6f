"""Calls on the page: who speaks, who waits, who may, and what is said when it goes wrong."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from browser import open_page
from local_livekit import LiveKit
from playwright.sync_api import Page, expect
from room_agent import RoomAgent
from voiceagent_api.worker_status import SessionRecord, WorkerStatus

PATIENCE_MILLISECONDS = 60_000
Serve = Callable[..., Any]

expect.set_options(timeout=PATIENCE_MILLISECONDS)


def call(page: Page, address: str) -> None:
    """Open the page and press its button."""
    page.goto(address)
    button = page.get_by_test_id("call")
    expect(button).to_be_enabled()
    button.click()


def until_loud(page: Page, level: str) -> None:
    """Wait until the level shows a sound."""
    loud = "id => document.getElementById(id).value > 0.1"
    page.wait_for_function(loud, arg=level, timeout=PATIENCE_MILLISECONDS)


def test_a_call_shows_its_state_both_sides_words_and_how_long_an_answer_took(serve: Serve, agent: RoomAgent) -> None:
    gateway = serve()
    with open_page() as page:
        call(page, gateway.address)
        state = page.get_by_test_id("state")
        expect(state).to_have_text("Waiting for the agent…")
        agent.join()
        expect(state).to_have_text("Listening")
        agent.hear("Are you open", "q1", final=False)
        mine = page.locator('[data-testid="line"][data-who="you"]')
        expect(mine.get_by_test_id("line-text")).to_have_text("Are you open")
        agent.hear("Are you open on Saturday?", "q1")
        expect(mine).to_have_attribute("data-final", "true")
        agent.state("thinking")
        expect(state).to_have_text("Thinking…")
        agent.state("speaking")
        agent.say("Yes, from nine to one.", "a1")
        expect(state).to_have_text("Speaking")
        answer = page.locator('[data-testid="line"][data-who="agent"]')
        expect(answer).to_contain_text("answered in")
        assert int(answer.get_attribute("data-waited") or "0") > 0

        page.get_by_test_id("devices").locator("summary").click()
        until_loud(page, "microphone-level")
        until_loud(page, "speaker-level")
        page.get_by_test_id("chat-input").fill("Thank you")
        page.get_by_test_id("chat-send").click()
        agent.until_heard("Thank you")
        page.get_by_test_id("mute").click()
        expect(page.get_by_test_id("mute")).to_have_attribute("aria-pressed", "true")
        page.get_by_test_id("hang-up").click()
        expect(state).to_have_text("Call ended")


def test_the_newest_line_stays_in_view_until_the_caller_scrolls_back(serve: Serve, agent: RoomAgent) -> None:
    gateway = serve()
    with open_page() as page:
        call(page, gateway.address)
        agent.join()
        for number in range(12):
            agent.say(
                f"Line {number}: we are open from Monday to Friday, and on Saturday from nine to one.", f"a{number}"
            )
        lines = page.get_by_test_id("line")
        expect(lines.last).to_contain_text("Line 11")
        expect(lines.last).to_be_in_viewport()
        page.set_viewport_size({"width": 375, "height": 740})
        expect(lines.last).to_be_in_viewport()
        lines.first.scroll_into_view_if_needed()
        # Browsers tell a page of scrolling with the next picture.
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        agent.say("One more.", "a12")
        expect(lines.last).to_contain_text("One more.")
        expect(lines.last).not_to_be_in_viewport()


def test_another_microphone_is_taken_in_the_middle_of_a_call(serve: Serve, agent: RoomAgent) -> None:
    gateway = serve()
    with open_page() as page:
        call(page, gateway.address)
        agent.join()
        expect(page.get_by_test_id("state")).to_have_text("Listening")
        page.get_by_test_id("devices").locator("summary").click()
        choice = page.get_by_test_id("microphone-select")
        other = choice.locator("option").nth(2)
        expect(other).to_be_attached()
        choice.select_option(other.get_attribute("value"))
        until_loud(page, "microphone-level")
        expect(page.get_by_test_id("error")).to_be_hidden()
        expect(page.get_by_test_id("state")).to_have_text("Listening")
        page.reload()
        page.get_by_test_id("devices").locator("summary").click()
        expect(choice).not_to_have_value("")


def test_microphone_and_speaker_are_tried_before_a_call(serve: Serve) -> None:
    gateway = serve()
    with open_page() as page:
        page.goto(gateway.address)
        panel = page.get_by_test_id("devices").locator("summary")
        panel.click()
        page.get_by_test_id("try-microphone").click()
        until_loud(page, "microphone-level")
        test = page.get_by_test_id("test-sound")
        test.click()
        until_loud(page, "speaker-level")
        expect(test).to_be_enabled()
        test.click()
        panel.click()
        panel.click()
        expect(test).to_be_enabled()


def test_a_refused_microphone_is_said_with_what_to_do_and_no_token_is_asked_for(serve: Serve) -> None:
    gateway = serve()
    with open_page(refused=True) as page:
        call(page, gateway.address)
        error = page.get_by_test_id("error")
        expect(error).to_have_attribute("data-kind", "microphone-denied")
        expect(error).to_contain_text("Allow the microphone")
    assert "voiceagent_gateway.audit" not in gateway.log


def test_an_agent_that_does_not_join_within_twenty_seconds_is_said(serve: Serve) -> None:
    gateway = serve()
    with open_page() as page:
        call(page, gateway.address)
        expect(page.get_by_test_id("error")).to_contain_text("The agent did not join within 20 seconds.")
        expect(page.get_by_test_id("error")).to_contain_text("choose another agent")
        expect(page.get_by_test_id("call")).to_be_focused()


def test_callers_of_a_full_agent_wait_and_are_let_in_when_a_place_is_free(
    serve: Serve, place: Any, agent: RoomAgent, start_worker: Callable[[], Any]
) -> None:
    worker = start_worker()

    def says(*rooms: str) -> dict[str, Any]:
        status = WorkerStatus(
            namespace=place.namespace, agent="receptionist", agent_name=f"{place.namespace}-receptionist", pod="p",
            revision="r1", config_revision="c1", registered=True, draining=False, session_capacity=1,
            sessions=[
                SessionRecord(id=room, room=room, started_at=datetime.now(UTC), config_revision="c1") for room in rooms
            ],
        )  # fmt: skip
        return status.model_dump(mode="json", by_alias=True)

    worker.status = says("another")
    place.voice_agent(scaling={"mode": "Sessions", "maxReplicas": 1, "sessionsPerReplica": 1})
    place.pod("p", worker.port)
    gateway = serve()
    gateway.until(lambda: gateway.get("/token").status_code == 429)
    with open_page() as page:
        call(page, gateway.address)
        expect(page.get_by_test_id("state")).to_have_text("All lines are busy…")
        expect(page.get_by_test_id("hint")).to_contain_text("Trying again")
        worker.status = says()
        expect(page.get_by_test_id("state")).to_have_text("Waiting for the agent…")
        agent.join()
        expect(page.get_by_test_id("state")).to_have_text("Listening")


def test_a_gateway_that_is_gone_is_said_and_found_again(serve: Serve) -> None:
    gateway = serve()
    with open_page() as page:
        page.goto(gateway.address)
        expect(page.get_by_test_id("call")).to_be_enabled()
        page.context.set_offline(True)
        page.get_by_test_id("call").click()
        expect(page.get_by_test_id("error")).to_contain_text("The server does not answer.")
        page.context.set_offline(False)
        page.get_by_test_id("call").click()
        expect(page.get_by_test_id("state")).to_have_text("Waiting for the agent…")


@pytest.mark.timeout(300)
def test_livekit_stopped_in_the_middle_of_a_call_and_back_is_shown_and_the_call_goes_on(
    serve: Serve, agent: RoomAgent, livekit: LiveKit
) -> None:
    gateway = serve()
    after = RoomAgent(livekit)
    try:
        with open_page() as page:
            call(page, gateway.address)
            agent.join()
            state = page.get_by_test_id("state")
            expect(state).to_have_text("Listening")
            livekit.stop()
            expect(state).to_have_text("Connection lost, reconnecting…")
            expect(page.get_by_test_id("hang-up")).to_be_visible()
            livekit.start()
            expect(state).not_to_have_text("Connection lost, reconnecting…")
            agent.leave()
            after.join()
            expect(state).to_have_text("Listening")
            after.say("Here I am again.", "a9")
            expect(page.get_by_test_id("line").filter(has_text="Here I am again.")).to_be_visible()
    finally:
        after.leave()


@pytest.mark.timeout(300)
def test_livekit_stopped_for_good_ends_the_call_with_what_to_do(
    serve: Serve, agent: RoomAgent, livekit: LiveKit
) -> None:
    gateway = serve()
    with open_page() as page:
        call(page, gateway.address)
        agent.join()
        expect(page.get_by_test_id("state")).to_have_text("Listening")
        livekit.stop()
        expect(page.get_by_test_id("error")).to_contain_text(
            "Check your network connection, then call again.", timeout=2 * PATIENCE_MILLISECONDS
        )
        expect(page.get_by_test_id("state")).to_have_text("Call ended")
