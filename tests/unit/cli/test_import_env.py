"""`import-env`: each variable of the single-machine system in a manifest, or in a note; no key anywhere."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from voiceagent_api.environment import CHOICES, PLAIN
from voiceagent_cli.annotated import annotated_yaml
from voiceagent_cli.checks import problems_of
from voiceagent_cli.documents import find_agent
from voiceagent_cli.original.env_file import parse_env
from voiceagent_cli.original.importing import import_variables
from voiceagent_cli.original.json_config import parse_json_config
from voiceagent_cli.original.secrets import LIVEKIT_KEYS, OTHER_NAMES, PROVIDER_KEYS, commands

KEYS = sorted({*LIVEKIT_KEYS, *OTHER_NAMES, *PROVIDER_KEYS})
SETTINGS = [*CHOICES, *PLAIN, "ENABLED_PLUGINS", "LOG_LEVEL", "DEBUG", "OPENAI_BASE_URL"]
FULL = """\
# LiveKit
LIVEKIT_URL=wss://your-server.livekit.cloud
LIVEKIT_API_KEY=APIkey-0123456789
LIVEKIT_API_SECRET=livekit-secret-0123456789
LLM_PROVIDER=anthropic
LLM_MODEL=claude-3-sonnet
ANTHROPIC_API_KEY=sk-ant-0123456789
STT_PROVIDER=openai
STT_MODEL=whisper-1
export OPENAI_API_KEY="sk-openai-0123456789"
TTS_PROVIDER=elevenlabs
TTS_MODEL=eleven_turbo_v2_5
TTS_VOICE_ID=hpp4J3VqNfWAUOO0d1Us
ELEVENLABS_API_KEY=xi-0123456789
ENABLED_PLUGINS=example,sentiment_analysis,profanity_filter
AGENT_INSTRUCTIONS="You answer the phone of Blue Dental.
Be brief."
ENABLE_METRICS=true
METRICS_RETENTION_HOURS=168  # 7 days
LOG_LEVEL=WARN
DEBUG=false
"""
MANIFEST = """\
# Made of .env by `voiceagent import-env`. A comment says where each value came from.
apiVersion: voiceagents.dev/v1alpha1
kind: VoiceAgent
metadata: {name: receptionist}
spec:
  # AGENT_INSTRUCTIONS
  instructions: |-
    You answer the phone of Blue Dental.
    Be brief.
  livekit:
    url: wss://your-server.livekit.cloud  # LIVEKIT_URL
    credentialsSecretRef: {name: livekit}  # the Secret with LIVEKIT_API_KEY and LIVEKIT_API_SECRET
  providers:
    stt:
      provider: openai  # STT_PROVIDER
      model: whisper-1  # STT_MODEL
      credentialsSecretRef: {name: openai}  # the Secret with OPENAI_API_KEY
    llm:
      provider: anthropic  # LLM_PROVIDER
      model: claude-sonnet-4-6  # LLM_MODEL: was "claude-3-sonnet", which anthropic has retired
      credentialsSecretRef: {name: anthropic}  # the Secret with ANTHROPIC_API_KEY
    tts:
      provider: elevenlabs  # TTS_PROVIDER
      model: eleven_turbo_v2_5  # TTS_MODEL
      voice: hpp4J3VqNfWAUOO0d1Us  # TTS_VOICE_ID
      credentialsSecretRef: {name: elevenlabs}  # the Secret with ELEVENLABS_API_KEY
  # ENABLED_PLUGINS
  plugins:
  - {name: example}
  - {name: sentiment_analysis}
  - {name: profanity_filter}
  metrics:
    enabled: true  # ENABLE_METRICS
    retentionHours: 168  # METRICS_RETENTION_HOURS
  logging:
    level: WARNING  # LOG_LEVEL
"""
SAID = """\
Note: LLM_MODEL is "claude-3-sonnet", which anthropic has retired; "claude-sonnet-4-6" was taken.
Note: DEBUG is off, as it is by default; nothing stands for it in the manifest.
Put the value in place of each …, without the quotes that it has in the file.
Next:
  sed -n 's/^LIVEKIT_API_KEY=/&/p; s/^LIVEKIT_API_SECRET=/&/p' .env | kubectl create secret generic livekit \
--from-env-file=/dev/stdin
  kubectl create secret generic openai --from-literal=OPENAI_API_KEY=…
  sed -n 's/^ANTHROPIC_API_KEY=/&/p' .env | kubectl create secret generic anthropic --from-env-file=/dev/stdin
  sed -n 's/^ELEVENLABS_API_KEY=/ELEVEN_API_KEY=/p' .env | kubectl create secret generic elevenlabs \
--from-env-file=/dev/stdin
  voiceagent apply -f agent.yaml
"""


def imported(text: str, **more: Any) -> Any:
    return import_variables(parse_env(text).values, "agent", **more)


def test_the_whole_of_the_original_s_variables(cli: Any, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(FULL)
    done = cli("import-env", "--name", "receptionist")
    assert (done.code, done.out, done.err) == (0, MANIFEST, SAID)
    done = cli("import-env", ".env", "--name", "receptionist", "-o", "agent.yaml")
    assert (done.code, done.out) == (0, "")
    assert (tmp_path / "agent.yaml").read_text() == MANIFEST
    assert cli("show", "-f", "agent.yaml").code == 0


def test_a_file_that_is_there_is_changed_only_when_agreed_to(cli: Any, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=ERROR\n")
    (tmp_path / "agent.yaml").write_text("kind: Other\n")
    for words, code in ((["--dry-run"], 0), ([], 2)):
        done = cli("import-env", "-o", "agent.yaml", *words)
        assert (done.code, "-kind: Other" in done.out) == (code, True)
        assert (tmp_path / "agent.yaml").read_text() == "kind: Other\n"
    assert cli("import-env", "-o", "agent.yaml", "--yes").code == 0
    assert "level: ERROR" in (tmp_path / "agent.yaml").read_text()
    assert "Nothing to change" in cli("import-env", "-o", "agent.yaml").err


@pytest.mark.parametrize(
    ("line", "spec", "note"),
    [
        ("LLM_PROVIDER=opnai", ("providers", "llm", "provider", "openai"), 'the nearest, "openai", was taken'),
        (
            "LLM_PROVIDER=zzz\nLLM_MODEL=q",
            ("providers", "llm", "model", "gpt-4o-mini"),
            "which belongs to it",
        ),
        ("LLM_MODEL=gpt-4oo", ("providers", "llm", "model", "gpt-4oo"), 'Did you mean "gpt-4o"?'),
        ("LLM_MODEL=command-r-08-2024", ("providers", "llm", "provider", "openai"), "is a model of cohere"),
        ("ENABLED_PLUGINS=exmple,zzz", ("plugins", [{"name": "example"}]), '"zzz" is not known'),
        ("ENABLE_METRICS=maybe", ("metrics", None), "spec.metrics.enabled was left at true"),
        ("METRICS_RETENTION_HOURS=0", ("metrics", None), "spec.metrics.retentionHours was left at 168"),
        ("LOG_LEVEL=INF", ("logging", None), 'Did you mean "INFO"?'),
        ("LOG_LEVEL=INFO\nDEBUG=1", ("logging", "level", "DEBUG"), "LOG_LEVEL was left out: DEBUG is on"),
        ("LIVEKIT_URL=ws://localhost:7880", ("livekit", None), "which in a pod is the pod itself"),
        ("LIVEKIT_URL=wss://u:pw@live.test", ("livekit", "url", "wss://live.test"), "has a user or a password"),
        ("LIVEKIT_URL=pw@x", ("livekit", None), "is no address such as wss://"),
        ("OPENAI_BASE_URL=https://o.test/v1", ("providers", "stt", "baseURL", "https://o.test/v1"), None),
        ("LLM_MODLE=x", ("plugins", None), 'LLM_MODLE is no variable that an agent knows. Did you mean "LLM_MODEL"?'),
        ("HTTPS_PROXY=http://p.test", ("plugins", None), "the chart's value proxy.https"),
        ("COHERE_API_KEY=abcdefgh", ("plugins", None), "no provider of this agent asks for it (it is a key of cohere)"),
        ("OPENAI_API_KEY=your-openai-key", ("plugins", None), "OPENAI_API_KEY looks like a placeholder"),
        ("TTS_VOICE_ID=", ("plugins", None), "counts as not set: TTS_VOICE_ID"),
    ],
)
def test_what_cannot_be_taken_over_is_told(line: str, spec: tuple[Any, ...], note: str | None) -> None:
    made = imported(line)
    *path, value = spec
    found: Any = made.document["spec"]
    for part in path:
        found = (found or {}).get(part)
    assert found == value
    assert note is None or note in "\n".join(made.notes), made.notes
    assert not problems_of(made.document)


def test_odd_lines_of_the_file_are_told_by_number() -> None:
    read = parse_env("\nA=1\nnonsense line =\nB\nA=2\nC=${HOME}/x${A}\n")
    assert read.values == {"A": "2", "C": "/x2"}
    assert read.notes == (
        "Line 3 is no assignment such as NAME=VALUE; it was left out.",
        "Line 4: B has no =; it was left out.",
        "A is set more than once; the last one, on line 5, counts.",
        "Line 6: C refers to HOME, which the file does not set; it was read as empty.",
    )
    assert read.raw == set()


def test_the_json_is_understood_and_the_env_wins(cli: Any, tmp_path: Path) -> None:
    document = {
        "llm": {"provider": "anthropic", "model": "claude-opus-4-6", "api_key": "sk-in-the-json", "temprature": 1},
        "tts": {"provider": "openai", "voice": "nova"},
        "plugins": ["example", {"name": "profanity_filter", "enabled": False}],
        "theme": "dark",
    }
    (tmp_path / "config.json").write_text(json.dumps(document))
    (tmp_path / ".env").write_text("TTS_VOICE_ID=echo\n")
    done = cli("import-env", "--config", "config.json")
    assert done.code == 0
    spec = yaml.safe_load(done.out)["spec"]
    assert spec["providers"]["llm"]["model"] == "claude-opus-4-6"
    assert spec["providers"]["tts"]["voice"] == "echo"
    assert spec["plugins"] == [{"name": "example"}]
    assert "provider: anthropic  # llm.provider in config.json" in done.out
    for said in ("llm.temprature was not understood", "theme was not", '"profanity_filter" is not enabled', "wins."):
        assert said in done.err
    assert "sk-in-the-json" not in done.out + done.err
    assert parse_json_config("{}", "x").values == {}


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("none.env",), 4, "There is no file none.env."),
        ((".env", "--name", "A b"), 3, "cannot be an agent's name"),
        ((".env", "--config", ".env"), 3, ".env is no JSON."),
        ((".env", "--apply", "--yes"), 6, "There is no kubeconfig"),
    ],
)
def test_a_mistake_is_told(cli: Any, tmp_path: Path, words: tuple[str, ...], code: int, says: str) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=INFO\n")
    done = cli("import-env", *words)
    assert (done.code, done.out) == (code, "")
    assert says in done.err


def test_a_key_that_stands_elsewhere_too_is_refused(cli: Any, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-0123456789\nAGENT_INSTRUCTIONS=Use ${OPENAI_API_KEY}.\n")
    done = cli("import-env")
    assert (done.code, done.out) == (3, "")
    assert "The value of OPENAI_API_KEY stands in another variable" in done.err
    assert "sk-0123456789" not in done.err


VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
WORDS = st.sampled_from(["openai", "deepgram", "gpt-4o", "exmple,example", "true", "0", "WARN", "wss://l.test", "12"])
NAMES = st.one_of(st.sampled_from([*SETTINGS, *KEYS]), st.from_regex(r"[A-Z][A-Z_]{0,20}", fullmatch=True))
LONG_KEYS = st.from_regex(r"key-[a-z0-9]{24}", fullmatch=True)


@st.composite
def variables(draw: st.DrawFn) -> dict[str, str]:
    names = draw(st.lists(NAMES, unique=True, max_size=12))
    return {name: draw(LONG_KEYS if name in KEYS else st.one_of(WORDS, VALUES)) for name in names}


@settings(deadline=None, max_examples=150)
@given(variables())
def test_every_variable_is_named_no_key_is_shown_and_the_manifest_holds(given_variables: dict[str, str]) -> None:
    made = import_variables(given_variables, "agent")
    text = annotated_yaml(made.document, made.comments)
    assert find_agent(text, None, "it").document == made.document
    told = "\n".join([text, *made.notes, *commands(made.secrets, ".env", frozenset(), given_variables, "calls")])
    for name, value in given_variables.items():
        assert name in told
        if name in KEYS and "GOOGLE_APPLICATION" not in name:
            assert value not in told
    problems = [str(problem) for problem in problems_of(made.document)]
    # how long and of which characters a name may be is the schema's to say
    assert all("characters" in one or "baseURL" in one or "plugins" in one for one in problems), problems
