"""What a call shows and keeps: lines of a conversation, and sound in wav files."""

import array
from pathlib import Path

import pytest
from voiceagent_cli.errors import CliError, Exit
from voiceagent_cli.talking.captions import YOU, Captions
from voiceagent_cli.talking.recordings import MARGIN_SECONDS, Recording, read_recording, trimmed, write_recording

RATE = 1000


def sound(*parts: tuple[int, float]) -> bytes:
    """Stretches of amplitude and seconds."""
    return b"".join(array.array("h", [amplitude] * int(seconds * RATE)).tobytes() for amplitude, seconds in parts)


def test_the_agents_line_grows_and_another_voice_breaks_it() -> None:
    captions = Captions()
    shown = captions.grow(1, "Hello,") + captions.grow(1, " this\nis") + captions.whole(YOU, " Wait! ")
    assert shown == "agent: Hello, this is\nyou: Wait!\n"
    assert captions.grow(1, " the desk.") + captions.end(1) == "agent:  the desk.\n"
    assert captions.end(1) == "" and captions.whole(YOU, "  ") == "" and captions.grow(2, "") == ""
    assert not captions.unfinished


def test_what_a_model_writes_does_not_move_the_cursor() -> None:
    assert Captions().grow(1, "a\x1b[2Jb\rc") == "agent: a [2Jb c"


def test_the_silence_around_an_answer_is_left_out() -> None:
    kept = trimmed(Recording(sound((0, 3.0), (9000, 1.0), (0, 0.5), (-9000, 1.0), (0, 5.0)), RATE))
    assert kept is not None and kept.seconds == pytest.approx(2.5 + 2 * MARGIN_SECONDS)
    assert trimmed(Recording(sound((20, 2.0)), RATE)) is None


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = Recording(sound((9000, 1.0)) * 2, RATE, channels=2)
    write_recording(tmp_path / "a.wav", written)
    assert read_recording(tmp_path / "a.wav") == written
    with pytest.raises(CliError) as error:
        write_recording(tmp_path / "none" / "a.wav", written)
    assert error.value.code is Exit.NOT_FOUND


def test_a_recording_that_is_too_long_is_refused(tmp_path: Path) -> None:
    write_recording(tmp_path / "a.wav", Recording(sound((9000, 1.0)) * 700, RATE))
    with pytest.raises(CliError) as error:
        read_recording(tmp_path / "a.wav")
    assert error.value.code is Exit.INVALID and "longer than 600 s" in str(error.value)
