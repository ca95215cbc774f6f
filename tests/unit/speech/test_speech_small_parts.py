"""Settings, keys, the journal, the gate, the vocabulary of the speech model."""

import asyncio

import pytest
from voiceagent_speech import auth
from voiceagent_speech.errors import ApiError, TooBusyError, Vendor, vendor_of
from voiceagent_speech.gate import Gate
from voiceagent_speech.journal import CAPACITY, Journal, Record
from voiceagent_speech.moonshine import read_tokens, text_from
from voiceagent_speech.settings import Settings, SettingsError


def test_the_settings_defaults_are_those_of_an_empty_environment() -> None:
    assert Settings.from_environment({}) == Settings()


def test_script_and_faults_are_off_and_the_journal_is_on_unless_told_otherwise() -> None:
    plain = Settings.from_environment({})
    assert (plain.allow_script, plain.allow_faults, plain.journal) == (False, False, True)
    told = Settings.from_environment(
        {"SPEECH_ALLOW_SCRIPT": "1", "SPEECH_ALLOW_FAULTS": "yes", "SPEECH_JOURNAL": "0", "SPEECH_THREADS": "4"}
    )
    assert (told.allow_script, told.allow_faults, told.journal, told.threads) == (True, True, False, 4)


@pytest.mark.parametrize(
    ("name", "value"),
    [("SPEECH_THREADS", "0"), ("SPEECH_PORT", "http"), ("SPEECH_JOURNAL", "maybe"), ("SPEECH_LOG_LEVEL", "loud")],
)
def test_a_setting_that_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment({name: value})


@pytest.mark.parametrize(
    ("value", "key"),
    [("Bearer abc", "abc"), ("Token abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", ""), ("", ""), ("abc", "")],
)
def test_the_key_is_read_from_either_scheme(value: str, key: str) -> None:
    assert auth.key_from({"Authorization": value}) == key


@pytest.mark.parametrize("key", ["", "invalid", "INVALID-key"])
@pytest.mark.parametrize("vendor", list(Vendor))
def test_a_key_that_is_missing_or_says_so_is_invalid(key: str, vendor: Vendor) -> None:
    with pytest.raises(ApiError) as refused:
        auth.check(key, vendor)
    assert refused.value.status == 401


def test_any_other_key_is_good() -> None:
    auth.check("sk-anything-invalid", Vendor.OPENAI)


def test_a_path_belongs_to_one_vendor() -> None:
    assert vendor_of("/v1/listen") is vendor_of("/v1/speak") is Vendor.DEEPGRAM
    assert vendor_of("/v1/chat/completions") is Vendor.OPENAI


def test_the_journal_keeps_the_last_of_each_kind_up_to_its_capacity() -> None:
    journal = Journal(enabled=True)
    for number in range(CAPACITY + 5):
        with Record(journal, "llm" if number % 2 else "tts", "POST /", "m") as record:
            record.text = str(number)
            record.details["fault"] = None
    assert [entry.text for entry in journal.last("llm", 2)] == ["201", "203"]
    assert len(journal.last(None, 1000)) == CAPACITY
    assert journal.last(None, 0) == []
    assert journal.last("llm", 1)[0].as_json()["fault"] is None
    journal.clear()
    assert journal.last(None, 10) == []


def test_a_request_that_failed_is_in_the_journal_with_its_outcome() -> None:
    journal = Journal(enabled=True)
    with pytest.raises(TooBusyError), Record(journal, "llm", "POST /", "m"):
        raise TooBusyError("chat completion")
    (entry,) = journal.last("llm", 1)
    assert (entry.outcome, entry.first_byte_seconds) == ("TooBusyError", None)


def test_a_journal_that_is_off_keeps_nothing() -> None:
    journal = Journal(enabled=False)
    with Record(journal, "llm", "POST /", "m"):
        pass
    assert journal.last(None, 10) == []


async def test_the_gate_refuses_what_is_over_its_limit_and_admits_again_after() -> None:
    gate = Gate("speech", slots=1, limit=2)
    with gate.admit(), gate.admit(), pytest.raises(TooBusyError, match="speech"), gate.admit():
        pass
    with gate.admit():
        pass


async def test_the_gate_gives_as_many_turns_at_once_as_it_has_slots() -> None:
    gate = Gate("speech", slots=2, limit=9)
    running = most = 0

    async def work() -> None:
        nonlocal running, most
        async with gate.turn():
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    assert gate.has_free_turn
    await asyncio.gather(*(work() for _ in range(6)))
    assert most == 2


def test_a_vocabulary_of_short_and_long_tokens_is_read() -> None:
    long = b"x" * 200
    data = b"\x05<unk>" + b"\x05\xe2\x96\x81he" + bytes([200 % 128 + 128, 200 // 128]) + long + b"\x01l" + b"\x02lo"
    tokens = read_tokens(data)
    assert tokens == [b"<unk>", "\u2581he".encode(), long, b"l", b"lo"]
    assert text_from(tokens, [1, 3, 4, 1, 99]) == "hello he"
