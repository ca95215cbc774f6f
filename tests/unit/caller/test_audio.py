"""Clips, their loudness, and the wav files they are read from."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest
from voiceagent_caller import CallerMistake, Clip, read_wav
from voiceagent_caller.audio import audible_length, level_dbfs, parse_wav, wav_bytes

TONE = (8000 * np.sin(np.arange(2400) / 10)).astype(np.int16)


def test_loudness_is_measured_against_full_scale() -> None:
    assert level_dbfs(np.full(240, 32767, dtype=np.int16)) == pytest.approx(0, abs=0.01)
    assert level_dbfs(np.full(240, 3277, dtype=np.int16)) == pytest.approx(-20, abs=0.01)
    assert level_dbfs(np.zeros(240, dtype=np.int16)) == level_dbfs(np.zeros(0, dtype=np.int16)) == -120


def test_what_can_be_heard_ends_with_the_last_loud_sample() -> None:
    samples = np.array([0, 5000, 0, -32768, 100, 0], dtype=np.int16)
    assert audible_length(samples) == 4
    assert audible_length(np.full(9, 100, dtype=np.int16)) == 0


def test_a_clip_survives_being_a_wav() -> None:
    clip = parse_wav(wav_bytes(Clip(TONE, 16_000)))
    assert clip.sample_rate == 16_000
    assert (clip.samples == TONE).all()
    assert clip.seconds == pytest.approx(0.15)


def test_two_channels_become_one() -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.array([[100, 300], [-50, 50]], dtype="<i2").tobytes())
    assert parse_wav(buffer.getvalue()).samples.tolist() == [200, 0]


def test_a_streamed_wav_of_unknown_length_is_read_to_its_end() -> None:
    content = bytearray(wav_bytes(Clip(TONE)))
    content[40:44] = b"\xff\xff\xff\xff"
    assert (parse_wav(bytes(content)).samples == TONE).all()


def test_a_file_that_cannot_be_said_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(CallerMistake, match=r"missing\.wav cannot be read: No such file"):
        read_wav(tmp_path / "missing.wav")
    (tmp_path / "notes.wav").write_text("not sound")
    with pytest.raises(CallerMistake, match=r"notes\.wav cannot be played: it is not a PCM wav file"):
        read_wav(tmp_path / "notes.wav")
    (tmp_path / "silent.wav").write_bytes(wav_bytes(Clip(np.zeros(100, dtype=np.int16))))
    with pytest.raises(CallerMistake, match=r"There is no sound to be heard in .*silent\.wav"):
        read_wav(tmp_path / "silent.wav")
