"""Finding sounds in frames, and the reply among the sounds."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from voiceagent_caller.sound import Sound, SoundDetector, find_reply

LOUD, QUIET = -20.0, -90.0
FRAME = 0.01


def detect(*stretches: tuple[float, float], start: float = 100.0) -> list[Sound]:
    """The sounds in stretches of (seconds, loudness), heard from 100 s on."""
    detector = SoundDetector()
    index = 0
    for seconds, dbfs in stretches:
        for _ in range(round(seconds / FRAME)):
            detector.push(start + index * FRAME, FRAME, dbfs)
            index += 1
    return detector.sounds


def test_a_sound_begins_with_its_first_loud_frame_and_ends_with_its_last() -> None:
    (sound,) = detect((0.5, QUIET), (1.0, LOUD), (1.0, QUIET))
    assert sound.started_at == pytest.approx(100.5)
    assert sound.ended_at == pytest.approx(101.5)


def test_a_click_is_no_sound() -> None:
    assert detect((0.5, QUIET), (0.02, LOUD), (0.5, QUIET), (0.02, LOUD), (0.5, QUIET)) == []


def test_thirty_milliseconds_are_a_sound() -> None:
    (sound,) = detect((0.5, QUIET), (0.03, LOUD), (0.5, QUIET))
    assert sound.started_at == pytest.approx(100.5)


def test_a_pause_within_speech_does_not_end_it_and_a_longer_one_does() -> None:
    assert len(detect((0.5, LOUD), (0.2, QUIET), (0.5, LOUD))) == 1
    assert len(detect((0.5, LOUD), (0.4, QUIET), (0.5, LOUD))) == 2


def test_a_click_in_a_pause_neither_prolongs_a_sound_nor_interrupts_the_silence() -> None:
    first, second = detect((0.5, LOUD), (0.5, QUIET), (0.01, LOUD), (0.1, QUIET), (0.5, LOUD))
    assert first.ended_at == pytest.approx(100.5)
    assert second.started_at == pytest.approx(101.11)
    detector = SoundDetector()
    for dbfs in [LOUD] * 50 + [QUIET] * 50 + [LOUD] + [QUIET] * 49:
        detector.push(0.0, FRAME, dbfs)
    assert detector.quiet_seconds == pytest.approx(1.0)


def test_frames_that_are_held_up_do_not_pass_for_silence() -> None:
    detector = SoundDetector()
    for index in range(50):
        detector.push(index * FRAME, FRAME, LOUD)
    for _ in range(20):
        detector.push(30.0, FRAME, QUIET)
    assert detector.quiet_seconds == pytest.approx(0.2)
    detector.push(30.01, FRAME, LOUD)
    assert len(detector.sounds) == 1


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 0.6), st.sampled_from([LOUD, QUIET])), max_size=12))
def test_sounds_are_in_order_and_apart(stretches: list[tuple[float, float]]) -> None:
    sounds = detect(*stretches)
    assert all(sound.started_at < sound.ended_at for sound in sounds)
    assert all(b.started_at - a.ended_at >= 0.3 - 1e-3 for a, b in itertools.pairwise(sounds))


SPOKE = {"listened_until": 5.0, "spoke_from": 10.0, "spoke_until": 12.0}


def test_the_reply_is_the_first_sound_after_the_last_word() -> None:
    assert find_reply([Sound(3, 4), Sound(12.7, 13), Sound(14, 15)], **SPOKE) == Sound(12.7, 13)


def test_a_sound_that_was_going_on_when_the_caller_began_is_not_the_reply() -> None:
    assert find_reply([Sound(9, 12.5)], **SPOKE) is None
    assert find_reply([Sound(9, 12.5), Sound(13, 14)], **SPOKE) == Sound(13, 14)


def test_a_word_thrown_in_during_the_speech_is_not_the_reply() -> None:
    assert find_reply([Sound(10.5, 11), Sound(13, 14)], **SPOKE) == Sound(13, 14)


def test_an_answer_that_did_not_wait_for_the_end_is_the_reply() -> None:
    assert find_reply([Sound(11.9, 14)], **SPOKE) == Sound(11.9, 14)


def test_what_was_listened_to_before_is_not_a_reply_again() -> None:
    assert find_reply([Sound(13, 14), Sound(20, 21)], 14.0, 10.0, 12.0) == Sound(20, 21)
