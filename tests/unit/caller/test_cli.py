"""The command line: what it takes, and how it says no."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from voiceagent_caller import CallOptions, CallReport, Greeting, Turn, Utterance, cli, render_transcript

REPORT = CallReport(
    agent="default/receptionist",
    room="r1",
    identity="me",
    joined_seconds=0.4,
    agent_joined_seconds=1.25,
    greeting=Greeting("Hello!", "hello", 0.0, 0.5),
    turns=(Turn("When?", "when", "At nine.", "at five", 0.5, 1.234),),
    total_seconds=12.0,
)


def test_utterances_keep_the_order_in_which_they_were_given() -> None:
    options, path = cli._parse(["--say", "a", "--wav", "b.wav", "--say", "c", "--json", "out", "--max-seconds", "9"])
    assert options.utterances == (Utterance("a"), Utterance(wav=Path("b.wav")), Utterance("c"))
    assert options.max_seconds == 9
    assert path == Path("out")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--agent", "receptionist"], "'receptionist' does not name an agent; write NAMESPACE/NAME"),
        (["--gateway", "localhost:8080"], "'localhost:8080' is not an address for the gateway"),
        (["--speech", "ftp://x"], "'ftp://x' is not an address for the speech"),
        (["--say", " "], "empty text"),
        (["--max-seconds", "soon"], "invalid float value: 'soon'. Try --help."),
        (["--max-seconds", "0"], "max_seconds must be greater than 0; it is 0."),
        (["--max-seconds", "nan"], "max_seconds must be greater than 0; it is nan."),
        (["--no-greeting"], "There is nothing to do in this call"),
        (["--volume", "11"], "Unrecognized arguments: --volume 11. Try --help."),
        (["--wav", "/nowhere/a.wav"], "The wav file /nowhere/a.wav cannot be read: No such file or directory."),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_2(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    assert sentence in capsys.readouterr().err


def test_a_call_that_fails_is_one_sentence_and_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--gateway", "http://127.0.0.1:9"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("The gateway at http://127.0.0.1:9 cannot be reached (")
    assert last.endswith("; is it running?")


def test_the_transcript_shows_who_said_what_and_how_long_it_took() -> None:
    assert render_transcript(REPORT).splitlines() == [
        "Call to default/receptionist in room r1: joined in 0.40 s, agent there 1.25 s later, 12.0 s in all.",
        "",
        "  agent  Hello!",
        "           first sound after 0.50 s",
        "           heard as: “hello”, word error rate 0.00",
        "",
        " caller  When?",
        "           understood as: “when”",
        "  agent  At nine.",
        "           first sound 1.23 s after the caller's last",
        "           heard as: “at five”, word error rate 0.50",
    ]


def test_the_transcript_of_a_failed_call_compares_nothing() -> None:
    assert "heard as" not in render_transcript(replace(REPORT, complete=False))


def test_the_report_is_plain_json() -> None:
    report = json.loads(REPORT.to_json())
    assert report["greeting"]["wer"] == 0
    assert report["turns"][0] == {
        "said": "When?",
        "heard_by_agent": "when",
        "answered": "At nine.",
        "heard_by_caller": "at five",
        "word_error_rate": 0.5,
        "silence_seconds": 1.234,
    }


def test_the_defaults_are_the_sandbox() -> None:
    options = CallOptions()
    assert (options.gateway, options.speech, options.agent) == (
        "http://localhost:8080",
        "http://localhost:8080",
        "default/receptionist",
    )
