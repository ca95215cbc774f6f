"""`import-env` on a real API server: by its own commands, and by --apply."""

import base64
import json
import subprocess
from typing import Any

ENV = """\
LIVEKIT_URL=wss://live.test
LIVEKIT_API_KEY=APIkey-0123456789
LIVEKIT_API_SECRET=livekit-secret-0123456789
OPENAI_API_KEY="sk-openai-0123456789"
TTS_PROVIDER=elevenlabs
TTS_VOICE_ID=hpp4J3VqNfWAUOO0d1Us
ELEVENLABS_API_KEY=xi-0123456789
AGENT_INSTRUCTIONS=You answer the phone.
"""
SECRETS = {
    "livekit": {"LIVEKIT_API_KEY": "APIkey-0123456789", "LIVEKIT_API_SECRET": "livekit-secret-0123456789"},
    "openai": {"OPENAI_API_KEY": "sk-openai-0123456789"},
    "elevenlabs": {"ELEVEN_API_KEY": "xi-0123456789"},
}
SECRETS_SHOWN = """\
--- Secret {0}/livekit (now)
+++ Secret {0}/livekit (then)
@@ -0,0 +1,2 @@
+LIVEKIT_API_KEY: …
+LIVEKIT_API_SECRET: …
--- Secret {0}/openai (now)
+++ Secret {0}/openai (then)
@@ -0,0 +1 @@
+OPENAI_API_KEY: …
--- Secret {0}/elevenlabs (now)
+++ Secret {0}/elevenlabs (then)
@@ -0,0 +1 @@
+ELEVEN_API_KEY: …
--- VoiceAgent {0}/agent (now)
+++ VoiceAgent {0}/agent (then)
"""


def secrets(desk: Any) -> dict[str, dict[str, str]]:
    items = desk.cluster.list("secrets", desk.namespace)
    return {
        one["metadata"]["name"]: {key: base64.b64decode(value).decode() for key, value in one["data"].items()}
        for one in items
    }


def without_values(text: str) -> bool:
    return not any(value in text for values in SECRETS.values() for value in values.values())


def test_apply_brings_secrets_and_agent_and_shows_no_key(desk: Any) -> None:
    desk.write(ENV, ".env")
    dry = desk.voiceagent("import-env", "--apply", "--dry-run")
    assert dry.code == 0, dry
    assert dry.out.startswith(SECRETS_SHOWN.format(desk.namespace))
    assert secrets(desk) == {}
    assert desk.voiceagent("import-env", "--apply").code == 2
    done = desk.voiceagent("import-env", "--apply", "--yes")
    assert (done.code, done.out) == (0, dry.out)
    assert secrets(desk) == SECRETS
    agent = desk.agent("agent")["spec"]
    assert agent["providers"]["tts"]["credentialsSecretRef"] == {"name": "elevenlabs"}
    assert agent["livekit"]["url"] == "wss://live.test"
    again = desk.voiceagent("import-env", "--apply", "--yes")
    assert (again.code, again.out) == (0, "")

    desk.write(ENV.replace("sk-openai-0", "sk-another-0"), ".env")
    other = desk.voiceagent("import-env", "--apply", "--dry-run")
    assert "+OPENAI_API_KEY: … (another value)" in other.out
    assert all(without_values(one.out + one.err) for one in (dry, done, again, other))
    assert "sk-another" not in other.out + other.err


def test_a_key_of_somebody_else_is_taken_over_by_force_only(desk: Any) -> None:
    desk.secret("openai", OPENAI_API_KEY="sk-theirs-0123456789")
    desk.write(ENV, ".env")
    done = desk.voiceagent("import-env", "--apply", "--yes")
    assert done.code == 5
    assert "Add --force-conflicts" in done.err
    assert "sk-theirs" not in done.out + done.err and without_values(done.out + done.err)
    assert secrets(desk)["openai"] == {"OPENAI_API_KEY": "sk-theirs-0123456789"}
    assert desk.voiceagent("import-env", "--apply", "--yes", "--force-conflicts").code == 0
    assert secrets(desk) == SECRETS


def test_the_commands_that_it_prints_make_the_same_secrets(desk: Any) -> None:
    desk.write(ENV.replace('"', ""), ".env")
    told = desk.voiceagent("import-env", "-o", "agent.yaml", "-n", desk.namespace)
    assert told.code == 0 and without_values(told.err)
    lines = [line.strip() for line in told.err.partition("Next:\n")[2].splitlines()]
    assert len(lines) == 4
    program = f"{desk.cluster.binaries / 'kubectl'} --kubeconfig {desk.kubeconfig}"
    for line in lines[:-1]:
        done = subprocess.run(
            ["bash", "-c", line.replace("kubectl", program, 1)], cwd=desk.folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert secrets(desk) == SECRETS
    assert lines[-1] == f"voiceagent apply -f agent.yaml -n {desk.namespace}"
    assert desk.voiceagent(*lines[-1].split()[1:], "--yes").code == 0
    assert json.loads(desk.cluster.do("-n", desk.namespace, "get", "va/agent", "-o", "json"))["spec"]["instructions"]


def test_who_may_not_read_secrets_is_told_so(desk: Any, stranger: Any) -> None:
    stranger.write(ENV, ".env")
    done = stranger.voiceagent("import-env", "--apply", "--yes")
    assert (done.code, done.out) == (5, "")
    assert "stranger" in done.err and without_values(done.err)
