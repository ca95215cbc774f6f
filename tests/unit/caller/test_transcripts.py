"""Putting transcripts together from the streams in which they come."""

from __future__ import annotations

from voiceagent_caller.transcripts import Transcripts


def test_words_that_come_in_pieces_make_one_text() -> None:
    transcripts = Transcripts()
    transcripts.begin_stream("S1", "agent", 1, 10.0)
    transcripts.write("S1", 1, "Hello, ")
    transcripts.write("S1", 1, "world.")
    assert transcripts.said_by("agent", 0) == "Hello, world."
    assert not transcripts.is_complete("agent", 0)
    transcripts.end_stream("S1", 1, final=True)
    assert transcripts.is_complete("agent", 0)


def test_a_better_guess_replaces_the_one_before() -> None:
    transcripts = Transcripts()
    for number, guess in enumerate(("when", "when are you", "When are you open?"), start=1):
        transcripts.begin_stream("S1", "caller", number, 10.0 + number)
        transcripts.write("S1", number, guess)
        transcripts.end_stream("S1", number, final=number == 3)
    assert transcripts.said_by("caller", 0) == "When are you open?"


def test_a_guess_that_is_read_late_does_not_replace_a_newer_one() -> None:
    transcripts = Transcripts()
    transcripts.begin_stream("S1", "caller", 2, 10.0)
    transcripts.write("S1", 2, "When are you open?")
    transcripts.end_stream("S1", 2, final=True)
    transcripts.begin_stream("S1", "caller", 1, 10.1)
    transcripts.write("S1", 1, "when")
    transcripts.end_stream("S1", 1, final=False)
    assert transcripts.said_by("caller", 0) == "When are you open?"
    assert transcripts.is_complete("caller", 0)


def test_each_speaker_and_each_turn_has_its_own_words() -> None:
    transcripts = Transcripts()
    said = (("agent", "Hello."), ("caller", "Hi."), ("agent", "Nine."), ("agent", "Bye."))
    for number, (speaker, text) in enumerate(said, start=1):
        transcripts.begin_stream(f"S{number}", "agent" if speaker == "agent" else "caller", number, float(number))
        transcripts.write(f"S{number}", number, text)
    assert transcripts.said_by("agent", 2.0) == "Nine. Bye."
    assert transcripts.said_by("caller", 0) == "Hi."
    assert transcripts.said_by("caller", 3.0) == ""


def test_nothing_said_is_not_complete() -> None:
    assert not Transcripts().is_complete("agent", 0)
