"""Where speech is found to begin and to end."""

import itertools

import numpy as np
import pytest
from voiceagent_speech.audio import RECOGNITION_RATE, Samples
from voiceagent_speech.endpointing import (
    Endpointer,
    Event,
    SpeechEnded,
    SpeechPaused,
    SpeechStarted,
    speech_spans,
)

GENERATOR = np.random.default_rng(7)


def quiet(seconds: float, level: float = 0.0) -> Samples:
    return (level * GENERATOR.standard_normal(int(seconds * RECOGNITION_RATE))).astype(np.float32)


def voice(seconds: float, level: float = 0.1) -> Samples:
    return quiet(seconds, level)


def fed(endpointer: Endpointer, *pieces: Samples, step: int = 333) -> list[Event]:
    sound = np.concatenate(pieces)
    return [event for at in range(0, len(sound), step) for event in endpointer.feed(sound[at : at + step])]


def test_an_utterance_is_started_paused_and_ended_at_its_own_times() -> None:
    events = fed(Endpointer(end_seconds=0.3), quiet(0.5), voice(1.0), quiet(0.5))
    assert [type(event) for event in events] == [SpeechStarted, SpeechPaused, SpeechEnded]
    assert events[0].at == pytest.approx(0.5, abs=0.05)
    assert events[1].at == events[2].at == pytest.approx(1.5, abs=0.05)


def test_a_pause_shorter_than_the_endpointing_does_not_end_the_speech() -> None:
    events = fed(Endpointer(end_seconds=0.4), voice(0.5), quiet(0.25), voice(0.5), quiet(0.6))
    assert [type(event) for event in events] == [SpeechStarted, SpeechPaused, SpeechPaused, SpeechEnded]
    assert events[-1].at == pytest.approx(1.25, abs=0.05)


def test_a_click_is_not_speech() -> None:
    assert fed(Endpointer(end_seconds=0.3), quiet(0.5), voice(0.03, 0.5), quiet(0.5)) == []


@pytest.mark.parametrize("level", [0.0, 0.0005, 0.002])
def test_a_voice_is_found_over_any_noise_that_it_is_louder_than(level: float) -> None:
    pieces = (quiet(2.0, level), voice(1.0) + quiet(1.0, level), quiet(1.0, level))
    events = fed(Endpointer(end_seconds=0.3), *pieces)
    assert [type(event) for event in events] == [SpeechStarted, SpeechPaused, SpeechEnded]
    assert events[0].at == pytest.approx(2.0, abs=0.06)


def test_a_steady_loud_noise_is_learnt_and_does_not_hold_the_line_for_ever() -> None:
    endpointer = Endpointer(end_seconds=0.3)
    fed(endpointer, quiet(25.0, 0.01))
    assert not endpointer.speaking
    fed(endpointer, voice(0.5, 0.2))
    assert endpointer.speaking


def test_ending_the_stream_ends_the_speech_that_goes_on() -> None:
    endpointer = Endpointer(end_seconds=0.3)
    fed(endpointer, voice(0.5))
    (ended,) = endpointer.end()
    assert isinstance(ended, SpeechEnded)
    assert ended.at == pytest.approx(0.5, abs=0.05)
    assert endpointer.end() == []


def test_the_pieces_in_which_sound_comes_do_not_matter() -> None:
    sound = np.concatenate((quiet(0.3), voice(0.7), quiet(0.4), voice(0.4), quiet(0.6)))
    results = [fed(Endpointer(end_seconds=0.3), sound, step=step) for step in (17, 320, 5000)]
    assert results[0] == results[1] == results[2]


def test_a_recording_is_cut_at_its_silences_and_short_gaps_are_kept_together() -> None:
    sound = np.concatenate((voice(1.0), quiet(0.7), voice(1.0), quiet(20.0), voice(2.0)))
    spans = speech_spans(sound, longest_seconds=15.0)
    assert len(spans) == 2
    assert spans[0] == pytest.approx((0.0, 3.0), abs=0.05)
    assert spans[1] == pytest.approx((22.4, 24.7), abs=0.06)


def test_speech_without_a_pause_is_cut_into_pieces_that_the_model_can_take() -> None:
    spans = speech_spans(voice(40.0), longest_seconds=15.0)
    assert len(spans) == 4
    assert all(end - start <= 15.0 for start, end in spans)
    assert all(left[1] == right[0] for left, right in itertools.pairwise(spans))


def test_what_is_too_long_is_cut_in_its_pauses_not_in_its_words() -> None:
    sound = np.concatenate((voice(6.0), quiet(0.3), voice(11.0)))
    (first, second) = speech_spans(sound, longest_seconds=15.0)
    assert first[1] == second[0] == pytest.approx(6.15, abs=0.1)


def test_silence_holds_no_speech() -> None:
    assert speech_spans(quiet(3.0), longest_seconds=15.0) == []
    assert speech_spans(np.zeros(0, np.float32), longest_seconds=15.0) == []
