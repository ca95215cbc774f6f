"""The commands on a file, by their real process."""

import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from voiceagent_cli.checks import problems_of

SHOWN = """\
Name           receptionist
Language       en
STT            deepgram nova-3
LLM            openai gpt-4o-mini
TTS            openai tts-1, voice alloy
Plugins        none
Tools          none
Greeting       Hello, this is Blue Dental. How can I help you?
Instructions   You answer the phone of Blue Dental. Answer in one short, plain sentence.
Pods           1
"""
TTS_CHANGED = """\
--- agent.yaml (now)
+++ agent.yaml (then)
@@ -11,6 +11,6 @@
   providers:
     stt: {provider: deepgram, model: nova-3}
     llm: {provider: openai, model: gpt-4o-mini}
-    tts: {provider: openai, model: tts-1, voice: alloy}
+    tts: {provider: elevenlabs, model: eleven_turbo_v2, voice: alloy}
   scaling: {mode: Manual}
   replicas: 1
"""


def test_show_in_every_form(cli: Any, file: Path) -> None:
    assert cli("show", "-f", "agent.yaml").out == SHOWN
    assert cli("show", "-f", "agent.yaml", "-o", "name").out == "voiceagent.voiceagents.dev/receptionist\n"
    document = yaml.safe_load(file.read_text())
    for form in ("json", "yaml"):
        assert yaml.safe_load(cli("show", "-f", "agent.yaml", "-o", form).out) == document


def test_the_originals_command_changes_the_voice_and_shows_how(cli: Any, file: Path) -> None:
    file.chmod(0o640)
    before = file.read_text()
    done = cli("change-tts", "elevenlabs", "eleven_turbo_v2", "--voice", "alloy", "-f", "agent.yaml", "--yes")
    assert (done.code, done.out) == (0, TTS_CHANGED)
    assert 'Did you mean "eleven_turbo_v2_5"?' in done.err
    assert "kubectl create secret generic elevenlabs --from-literal=ELEVEN_API_KEY=…" in done.err
    assert file.read_text() == before.replace(
        "{provider: openai, model: tts-1, voice: alloy}",
        "{provider: elevenlabs, model: eleven_turbo_v2, voice: alloy}",
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_dry_run_shows_and_changes_nothing(cli: Any, file: Path) -> None:
    before = file.read_text()
    done = cli("change-tts", "elevenlabs", "eleven_turbo_v2", "--voice", "alloy", "-f", "agent.yaml", "--dry-run")
    assert (done.code, done.out) == (0, TTS_CHANGED)
    assert "Nothing was changed: this was a dry run." in done.err
    assert file.read_text() == before


def test_without_a_terminal_and_without_yes_nothing_is_changed(cli: Any, file: Path) -> None:
    before = file.read_text()
    done = cli("change-llm", "openai", "gpt-4o", "-f", "agent.yaml")
    assert done.code == 2
    assert "Add --yes to do it, or --dry-run to only look." in done.err
    assert file.read_text() == before


def test_plugins_are_added_listed_and_removed(cli: Any, file: Path) -> None:
    before = file.read_text()
    assert cli("plugins", "add", "--name", "sentiment_analysis", "-f", "agent.yaml", "--yes").code == 0
    assert cli("plugins", "add", "--name", "example", "--first", "-f", "agent.yaml", "--yes").code == 0
    assert cli("plugins", "list", "-f", "agent.yaml").out == (
        "PLACE      PLUGIN                FROM    TIMEOUT   ON ERROR\n"
        "1          example               image   200 ms    Skip\n"
        "2          sentiment_analysis    image   200 ms    Skip\n"
        "not used   conversation_memory   image   -         -\n"
        "not used   profanity_filter      image   -         -\n"
    )
    assert cli("plugins", "list", "-f", "agent.yaml", "-o", "name").out == "example\nsentiment_analysis\n"
    for name in ("example", "sentiment_analysis"):
        assert cli("plugins", "remove", "--name", name, "-f", "agent.yaml", "--yes").code == 0
    assert file.read_text() == before


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("change-llm", "opnai", "gpt-4o"), 3, 'Did you mean "openai"? Known llm providers: openai, '),
        (("plugins", "add", "--name", "exmple"), 3, 'Did you mean "example"? Known plugins: conversation_memory, '),
        (("plugins", "remove", "--name", "example"), 3, 'spec.plugins has no "example". It has: none.'),
        (("plugins", "add", "--name", "example", "--secret", "x"), 2, "give --webhook too"),
        (("show", "--namespace", "x"), 2, "leave out --namespace"),
        (("show", "other"), 3, 'agent.yaml has no VoiceAgent "other". It has: receptionist.'),
        (("change-llm", "openai", "gpt-4o", "--base-url", "x y"), 3, "spec.providers.llm.baseURL: must be an address"),
    ],
)
def test_a_mistake_is_told_with_its_cure_and_no_traceback(
    cli: Any, file: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    before = file.read_text()
    done = cli(*words, "-f", "agent.yaml", *(["--yes"] if "show" not in words else []))
    assert (done.code, done.out) == (code, "")
    assert says in done.err
    assert "Traceback" not in done.err
    assert file.read_text() == before


def test_an_unknown_model_is_taken_and_told(cli: Any, file: Path) -> None:
    done = cli("change-llm", "openai", "gpt-4oo", "-f", "agent.yaml", "--yes")
    assert done.code == 0
    assert 'Did you mean "gpt-4o"? Known: gpt-5.5, ' in done.err
    assert "model: gpt-4oo}" in file.read_text()


def test_a_file_that_is_not_there_or_cannot_be_read(cli: Any, tmp_path: Path) -> None:
    assert cli("show", "-f", "none.yaml").code == 4
    (tmp_path / "broken.yaml").write_text("a: [")
    done = cli("show", "-f", "broken.yaml")
    assert (done.code, done.err.count("\n")) == (3, 1)


def test_init_makes_a_manifest_that_is_right(cli: Any, tmp_path: Path) -> None:
    words = (
        "init",
        "nails",
        "--instructions",
        "Say: yes # no\nor 'maybe'",
        "--tts",
        "elevenlabs",
        "--language",
        "fr-CA",
    )
    printed = cli(*words)
    assert printed.code == 0
    document = yaml.safe_load(printed.out)
    assert problems_of(document) == []
    assert document["spec"]["instructions"] == "Say: yes # no\nor 'maybe'"
    assert document["spec"]["providers"]["tts"]["provider"] == "elevenlabs"
    assert cli(*words, "-f", "new.yaml").code == 0
    assert (tmp_path / "new.yaml").read_text() == printed.out
    assert cli(*words, "-f", "new.yaml").code == 5


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ((), 2, "give NAME and --instructions"),
        (("9lives", "--instructions", "x"), 3, '"9lives" cannot be an agent\'s name'),
        (("x", "--instructions", "x", "--llm", "opnai/gpt-4o"), 3, 'Did you mean "openai"?'),
        (("x", "--instructions", "x", "--language", "English"), 3, "spec.language: must be a BCP 47 tag"),
    ],
)
def test_init_refuses_what_would_not_be_right(cli: Any, words: tuple[str, ...], code: int, says: str) -> None:
    done = cli("init", *words)
    assert (done.code, done.out) == (code, "")
    assert says in done.err


def test_list_providers(cli: Any) -> None:
    names = cli("list-providers", "-o", "name").out.splitlines()
    assert {"stt/deepgram", "llm/openai", "tts/elevenlabs", "realtime/openai"} <= set(names)
    lines = cli("list-providers", "stt").out.splitlines()
    assert lines[0].split() == ["KIND", "PROVIDER", "DEFAULT", "MODEL", "DEFAULT", "VOICE", "KEY", "OTHER", "MODELS"]
    assert len(lines) == 1 + sum(name.startswith("stt/") for name in names)
    assert cli("list-providers", "ears").code == 2
