"""Deepgram's options and messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_speech import deepgram_messages as messages
from voiceagent_speech.deepgram_options import listen_options, speak_options
from voiceagent_speech.errors import ApiError

# What the plugin sends, as its source builds it.
PLUGIN_QUERY = {
    "model": "nova-3",
    "punctuate": "true",
    "smart_format": "false",
    "no_delay": "true",
    "interim_results": "true",
    "encoding": "linear16",
    "vad_events": "true",
    "sample_rate": "16000",
    "channels": "1",
    "endpointing": "25",
    "filler_words": "true",
    "profanity_filter": "false",
    "numerals": "false",
    "mip_opt_out": "false",
    "language": "en-US",
}


def listened(**query: str) -> object:
    return listen_options({**PLUGIN_QUERY, **query}, min_endpointing_milliseconds=300)


def test_the_plugins_query_is_understood() -> None:
    options = listen_options(PLUGIN_QUERY, min_endpointing_milliseconds=300)
    assert (options.model, options.sample_rate, options.channels) == ("nova-3", 16000, 1)
    assert options.interim_results and options.punctuate and options.vad_events
    assert options.utterance_end_seconds is None


@pytest.mark.parametrize(("asked", "seconds"), [("25", 0.3), ("700", 0.7), ("true", 0.3), ("false", None)])
def test_endpointing_is_as_asked_but_not_below_the_least_that_energy_can_tell(
    asked: str, seconds: float | None
) -> None:
    options = listen_options({"endpointing": asked}, min_endpointing_milliseconds=300)
    assert options.endpointing_seconds == seconds


@pytest.mark.parametrize(
    "wrong",
    [
        {"encoding": "opus"},
        {"sample_rate": "0"},
        {"channels": "many"},
        {"endpointing": "soon"},
        {"utterance_end_ms": "-1"},
    ],
)
def test_a_query_that_cannot_be_served_is_refused_with_400(wrong: dict[str, str]) -> None:
    with pytest.raises(ApiError) as refused:
        listened(**wrong)
    assert refused.value.status == 400
    assert next(iter(wrong)).removesuffix("_ms") in refused.value.message


def test_speech_in_whole_is_mp3_and_on_a_stream_raw_unless_asked_otherwise() -> None:
    assert speak_options({}, stream=False).encoding == "mp3"
    assert speak_options({}, stream=True).encoding == "linear16"
    whole = speak_options({"encoding": "linear16", "container": "none", "sample_rate": "24000"}, stream=False)
    assert (whole.container, whole.sample_rate) == ("none", 24000)


@pytest.mark.parametrize("wrong", [{"sample_rate": "44100"}, {"encoding": "mp3"}, {"speed": "9"}, {"speed": "fast"}])
def test_speech_that_cannot_be_made_is_refused_with_400(wrong: dict[str, str]) -> None:
    with pytest.raises(ApiError) as refused:
        speak_options(wrong, stream=True)
    assert refused.value.status == 400


@given(st.lists(st.text(alphabet="abc,.?", min_size=1, max_size=8), max_size=20), st.floats(0, 100), st.floats(0.1, 20))
def test_the_times_of_words_fill_their_utterance_in_order(parts: list[str], start: float, seconds: float) -> None:
    words = messages.words(" ".join(parts), start, start + seconds, punctuate=True)
    times = [time for word in words for time in (word["start"], word["end"])]
    assert times == sorted(times)
    if words:
        assert words[0]["start"] == pytest.approx(start, abs=0.002)
        assert words[-1]["end"] == pytest.approx(start + seconds, abs=0.002)


def test_without_punctuation_the_transcript_is_plain_and_words_carry_no_written_form() -> None:
    plain = messages.alternative("Don't go, Anna.", 0, 1, punctuate=False)
    assert plain["transcript"] == "don't go anna"
    assert [word["word"] for word in plain["words"]] == ["don't", "go", "anna"]
    assert "punctuated_word" not in plain["words"][0]
    written = messages.alternative("Don't go, Anna.", 0, 1, punctuate=True)
    assert written["transcript"] == "Don't go, Anna."
    assert written["words"][1]["punctuated_word"] == "go,"


def test_a_result_says_whether_it_is_final_and_the_speechs_last() -> None:
    result = messages.results("id", "Hello.", 1.0, 2.5, punctuate=True, is_final=True, speech_final=False)
    assert (result["type"], result["is_final"], result["speech_final"]) == ("Results", True, False)
    assert (result["start"], result["duration"]) == (1.0, 1.5)
    assert result["channel"]["alternatives"][0]["transcript"] == "Hello."
    assert result["metadata"]["request_id"] == "id"


def test_an_empty_result_has_no_words_and_no_confidence() -> None:
    assert messages.alternative("", 0, 1, punctuate=True) == {"transcript": "", "confidence": 0.0, "words": []}


def test_a_recordings_passages_are_told_as_one_transcript_with_all_its_words() -> None:
    told = messages.prerecorded("id", [(0, 1, "Hello there."), (3, 4, "Bye.")], 5.0, punctuate=True)
    heard = told["results"]["channels"][0]["alternatives"][0]
    assert heard["transcript"] == "Hello there. Bye."
    assert [word["start"] for word in heard["words"]][-1] == 3.0
    assert told["metadata"]["request_id"] == "id"
    assert "type" not in told["metadata"]


def test_the_small_messages_have_the_fields_that_clients_read() -> None:
    assert messages.speech_started(1.23456) == {"type": "SpeechStarted", "channel": [0], "timestamp": 1.235}
    assert messages.utterance_end(2.0)["last_word_end"] == 2.0
    assert messages.flushed(3) == {"type": "Flushed", "sequence_id": 3}
    assert messages.cleared(3) == {"type": "Cleared", "sequence_id": 3}
    assert messages.warning("w", "c")["warn_msg"] == "w"
    assert messages.listen_metadata("id", 2.0)["duration"] == 2.0
    assert messages.speak_metadata("id")["request_id"] == "id"
