"""Sound in and out: files, rates, containers."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_speech import audio, encoders
from voiceagent_speech.errors import ApiError


def tone(seconds: float, rate: int, hertz: float = 440.0) -> audio.Samples:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def wav(
    body: bytes, *, code: int = 1, channels: int = 1, rate: int = 16000, bits: int = 16, extra: bytes = b""
) -> bytes:
    layout = struct.pack("<HHIIHH", code, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits)
    chunks = b"fmt " + struct.pack("<I", len(layout)) + layout + extra + b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


@given(st.lists(st.integers(-32768, 32767), max_size=200))
def test_linear16_survives_the_way_in_and_out(values: list[int]) -> None:
    data = np.array(values, "<i2").tobytes()
    assert audio.to_linear16(audio.from_linear16(data)) == data


@given(st.binary(max_size=200))
def test_mulaw_survives_the_way_in_and_out_but_for_its_second_zero(data: bytes) -> None:
    assert audio.to_mulaw(audio.from_mulaw(data)) == data.replace(b"\x7f", b"\xff")


def test_samples_beyond_full_scale_are_clipped_and_do_not_wrap() -> None:
    assert audio.to_linear16(np.array([2.0, -2.0], np.float32)) == struct.pack("<hh", 32767, -32768)


@pytest.mark.parametrize(
    ("bits", "code", "body"),
    [
        (16, 1, struct.pack("<hh", 16384, -16384)),
        (8, 1, bytes([192, 64])),
        (24, 1, struct.pack("<i", 0x400000)[:3] + struct.pack("<i", -0x400000)[:3]),
        (32, 1, struct.pack("<ii", 0x40000000, -0x40000000)),
        (32, 3, struct.pack("<ff", 0.5, -0.5)),
    ],
)
def test_a_wav_of_each_sample_format_is_read_as_the_same_sound(bits: int, code: int, body: bytes) -> None:
    samples, rate = audio.read_wav(wav(body, bits=bits, code=code))
    assert rate == 16000
    np.testing.assert_allclose(samples, [0.5, -0.5])


def test_stereo_is_mixed_down_and_other_chunks_are_skipped() -> None:
    body = struct.pack("<hhhh", 16384, 0, -16384, 0)
    samples, _ = audio.read_wav(wav(body, channels=2, extra=b"LIST" + struct.pack("<I", 3) + b"abc\x00"))
    np.testing.assert_allclose(samples, [0.25, -0.25])


def test_a_wav_whose_length_was_left_open_is_read_to_its_end() -> None:
    encoder = encoders.WavEncoder(24000)
    sound = tone(0.5, 24000)
    samples, rate = audio.read_wav(encoder.encode(sound[:6000]) + encoder.encode(sound[6000:]) + encoder.finish())
    assert rate == 24000
    np.testing.assert_allclose(samples, sound, atol=1e-4)


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", b"ID3 not a wav at all", wav(b"", bits=16)[:20], wav(b"\x00\x00", channels=0)]
)
def test_what_is_not_a_wav_is_refused_with_400(data: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        audio.read_wav(data)
    assert refused.value.status == 400


@given(st.binary(max_size=120))
def test_no_bytes_after_a_wav_head_break_the_reader(data: bytes) -> None:
    try:
        audio.read_wav(b"RIFF\x00\x00\x00\x00WAVE" + data)
    except ApiError as refused:
        assert refused.status == 400


@pytest.mark.parametrize(("from_rate", "to_rate"), [(22050, 24000), (22050, 8000), (48000, 16000), (16000, 16000)])
def test_resampling_in_pieces_gives_the_same_tone_at_the_new_rate(from_rate: int, to_rate: int) -> None:
    sound = tone(1.0, from_rate)
    resampler = audio.Resampler(from_rate, to_rate)
    pieces = [resampler.feed(sound[at : at + 1000]) for at in range(0, len(sound), 1000)]
    made = np.concatenate([*pieces, resampler.feed(np.zeros(0, np.float32), last=True)])
    assert abs(len(made) - to_rate) <= 2
    middle = slice(to_rate // 4, to_rate // 2)
    np.testing.assert_allclose(made[middle], tone(1.0, to_rate)[middle], atol=0.02)


def test_a_tape_gives_back_what_it_holds_by_its_place_in_the_stream() -> None:
    tape = audio.Tape()
    for start in (0, 100, 200):
        tape.append(np.arange(start, start + 100, dtype=np.float32))
    np.testing.assert_array_equal(tape.cut(90, 110), np.arange(90, 110))
    tape.forget_before(150)
    np.testing.assert_array_equal(tape.cut(0, 110), np.arange(100, 110))
    assert len(tape.cut(300, 400)) == 0
    assert tape.end == 300


def test_each_openai_format_says_what_it_is_and_holds_the_sound() -> None:
    sound = tone(1.0, 22050)
    made = {}
    for name in ("pcm", "wav", "mp3"):
        encoder = encoders.openai_encoder(name, 22050)
        made[encoder.content_type] = encoder.encode(sound) + encoder.finish()
    assert abs(len(made["audio/pcm"]) - 48000) <= 4
    assert audio.read_wav(made["audio/wav"])[1] == 24000
    assert 6000 < len(made["audio/mpeg"]) < 12000
    assert any(made["audio/mpeg"][at] == 0xFF and made["audio/mpeg"][at + 1] & 0xE0 == 0xE0 for at in range(4))


def test_a_format_that_is_not_made_is_refused_with_the_ones_that_are() -> None:
    with pytest.raises(ApiError, match="'mp3', 'wav' or 'pcm'"):
        encoders.openai_encoder("opus", 22050)
    with pytest.raises(ApiError):
        encoders.deepgram_encoder("flac", "", 24000, 22050)


def test_mulaw_at_8_kilohertz_is_a_byte_a_sample() -> None:
    encoder = encoders.deepgram_encoder("mulaw", "none", 8000, 22050)
    assert abs(len(encoder.encode(tone(1.0, 22050)) + encoder.finish()) - 8000) <= 2
