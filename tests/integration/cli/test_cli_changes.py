"""The original's commands and apply, on a real API server."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from control_plane import REPOSITORY

MANIFEST = (REPOSITORY / "crds/examples/receptionist.yaml").read_text(encoding="utf-8")
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
--- VoiceAgent {namespace}/receptionist (now)
+++ VoiceAgent {namespace}/receptionist (then)
@@ -25,9 +25,9 @@
       model: nova-3
       provider: deepgram
     tts:
-      model: tts-1
-      provider: openai
-      voice: alloy
+      model: eleven_turbo_v2_5
+      provider: elevenlabs
+      voice: Rachel
   replicas: 1
   resources: {}
   scaling:
"""


def test_the_originals_commands_on_a_cluster(desk: Any) -> None:
    desk.apply()
    assert desk.voiceagent("show").out == SHOWN
    words = ("change-tts", "elevenlabs", "eleven_turbo_v2_5", "--voice", "Rachel")
    dry = desk.voiceagent(*words, "--dry-run")
    assert (dry.code, dry.out) == (0, TTS_CHANGED.replace("{namespace}", desk.namespace))
    assert desk.agent()["spec"]["providers"]["tts"]["provider"] == "openai"
    done = desk.voiceagent(*words, "--yes")
    assert (done.code, done.out) == (0, dry.out)
    assert f"kubectl create secret generic elevenlabs -n {desk.namespace} --from-literal=ELEVEN_API_KEY=…" in done.err
    tts = {"provider": "elevenlabs", "model": "eleven_turbo_v2_5", "voice": "Rachel"}
    assert {**tts, **desk.agent()["spec"]["providers"]["tts"]} == desk.agent()["spec"]["providers"]["tts"]
    assert "Nothing to change" in desk.voiceagent(*words, "--yes").err

    assert desk.voiceagent("change-llm", "anthropic", "-a", "receptionist", "--yes").code == 0
    assert desk.agent()["spec"]["providers"]["llm"]["provider"] == "anthropic"
    for name in ("example", "profanity_filter"):
        assert desk.voiceagent("plugins", "add", "--name", name, "--yes").code == 0
    assert desk.voiceagent("plugins", "list", "-o", "name").out == "example\nprofanity_filter\n"
    assert desk.voiceagent("plugins", "remove", "--name", "example", "--yes").code == 0
    assert [plugin["name"] for plugin in desk.agent()["spec"]["plugins"]] == ["profanity_filter"]
    assert desk.voiceagent("scale", "--replicas", "3", "--yes", program="kubectl-voiceagent").code == 0
    assert desk.agent()["spec"]["replicas"] == 3
    managers = {entry["manager"] for entry in desk.agent()["metadata"]["managedFields"]}
    assert managers == {"kubectl", "voiceagent-cli"}


def test_apply_and_diff(desk: Any) -> None:
    path = desk.write()
    new = desk.voiceagent("diff", "-f", "agent.yaml")
    assert new.code == 1
    assert "+  name: receptionist" in new.out
    assert all(line.startswith(("+", "---", "@@")) for line in new.out.splitlines())
    assert desk.voiceagent("apply", "-f", "agent.yaml").code == 2
    done = desk.voiceagent("apply", "-f", "agent.yaml", "--yes")
    assert (done.code, done.out) == (0, new.out)
    assert f"Applied VoiceAgent {desk.namespace}/receptionist." in done.err
    same = desk.voiceagent("diff", "-f", "agent.yaml")
    assert (same.code, same.out) == (0, "")

    path.write_text(MANIFEST.replace("replicas: 1", "replicas: 2"))
    assert desk.voiceagent("apply", "-f", "agent.yaml", "--dry-run").code == 0
    differs = desk.voiceagent("diff", "-f", "agent.yaml")
    assert differs.code == 1
    assert [line for line in differs.out.splitlines() if line[0] in "+-"][2:] == ["-  replicas: 1", "+  replicas: 2"]
    assert desk.agent()["spec"]["replicas"] == 1


def test_a_file_is_applied_over_what_the_command_line_changed_on_the_cluster(desk: Any) -> None:
    desk.write()
    assert desk.voiceagent("apply", "-f", "agent.yaml", "--yes").code == 0
    assert desk.voiceagent("change-llm", "openai", "gpt-4.1", "--yes").code == 0
    done = desk.voiceagent("apply", "-f", "agent.yaml", "--yes")
    assert (done.code, "gpt-4.1" in done.err + done.out) == (0, True), done.err
    assert desk.agent()["spec"]["providers"]["llm"]["model"] == "gpt-4o-mini"


def test_a_conflict_is_told_and_overcome_by_force_only(desk: Any) -> None:
    desk.apply(greeting="Good day.")
    desk.write()
    done = desk.voiceagent("apply", "-f", "agent.yaml", "--yes")
    assert done.code == 5
    assert ".spec.greeting" in done.err
    assert "Add --force-conflicts" in done.err
    assert desk.voiceagent("apply", "-f", "agent.yaml", "--yes", "--force-conflicts").code == 0
    assert desk.agent()["spec"]["greeting"] == "Hello, this is Blue Dental. How can I help you?"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("show", "receptionst"), 4, 'Did you mean "receptionist"? It has: other, receptionist.'),
        (("show",), 2, "has several VoiceAgents: other, receptionist. Say which."),
        (("change-llm", "opnai", "x", "-a", "other", "--yes"), 3, 'Did you mean "openai"?'),
        (("change-llm", "openai", "--base-url", "a b", "-a", "other", "--yes"), 3, "must be an address such as"),
        (("scale", "calls", "--replicas", "2"), 4, 'There is no VoiceAgent "calls"'),
        (("status", "-n", "nowhere", "none"), 4, 'There is no VoiceAgent "none" in namespace nowhere. It has none.'),
        (("show", "--context", "mars"), 6, "There is no cluster to talk to"),
        (("rollout", "undo", "other", "--yes"), 4, "There is no earlier revision to go back to. There are: none."),
        (("logs", "other"), 4, "has no pods"),
    ],
)
def test_a_mistake_is_told_with_its_cure(desk: Any, words: tuple[str, ...], code: int, says: str) -> None:
    desk.apply()
    desk.apply("other")
    done = desk.voiceagent(*words)
    assert (done.code, done.out) == (code, ""), done
    assert says in done.err


def test_pods_that_follow_calls_are_not_scaled_by_hand(desk: Any) -> None:
    desk.apply(scaling={"mode": "Sessions"})
    done = desk.voiceagent("scale", "--replicas", "3", "--yes")
    assert done.code == 3
    assert "spec.scaling.mode Sessions" in done.err


def test_who_may_not_is_told_so(desk: Any, stranger: Any) -> None:
    desk.apply()
    for words in (("show", "receptionist"), ("status",), ("rollout", "history"), ("keys", "list")):
        done = stranger.voiceagent(*words)
        assert (done.code, done.out) == (5, ""), done
        assert "stranger" in done.err
        assert "cannot" in done.err


def test_no_answer_is_told_so(desk: Any) -> None:
    document = yaml.safe_load(desk.kubeconfig.read_text())
    document["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    desk.kubeconfig.write_text(yaml.safe_dump(document))
    done = desk.voiceagent("status")
    assert done.code == 6
    assert "The API server at https://127.0.0.1:1 does not answer" in done.err


def test_gitops_is_warned_of(desk: Any) -> None:
    desk.apply()
    desk.cluster.do(
        "-n", desk.namespace, "annotate", "va/receptionist", "argocd.argoproj.io/tracking-id=calls:x", "--overwrite"
    )
    done = desk.voiceagent("change-llm", "openai", "gpt-4o", "--dry-run")
    assert "Argo CD keeps this VoiceAgent (annotation argocd.argoproj.io/tracking-id)" in done.err


@pytest.mark.parametrize(("answer", "code", "model"), [("y", 0, "gpt-4o"), ("n", 1, "gpt-4o-mini")])
def test_on_a_terminal_a_change_asks_first(desk: Any, answer: str, code: int, model: str) -> None:
    desk.apply()
    seen, done = on_a_terminal(desk, ["change-llm", "openai", "gpt-4o"], lambda: answer)
    assert done == code, seen
    assert desk.agent()["spec"]["providers"]["llm"]["model"] == model


def test_what_was_changed_meanwhile_is_not_written_over(desk: Any) -> None:
    desk.apply()

    def meanwhile() -> str:
        desk.apply(greeting="Changed meanwhile.")
        return "y"

    seen, done = on_a_terminal(desk, ["change-llm", "openai", "gpt-4o"], meanwhile)
    assert done == 5, seen
    assert "was changed meanwhile, so nothing was written" in seen
    assert desk.agent()["spec"]["providers"]["llm"]["model"] == "gpt-4o-mini"


def test_status_goes_on_with_each_change_until_it_is_interrupted(desk: Any) -> None:
    desk.apply()
    command = [str(Path(sys.executable).with_name("voiceagent")), "status", "--watch"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=desk.env,
        # As on a terminal: what a shell runs in the background inherits that interrupts are ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    assert process.stdout.readline().split() == ["NAME", "READY", "SESSIONS", "LLM", "STT", "TTS", "AGE", "REASON"]
    assert "openai" in process.stdout.readline()
    desk.apply("second")
    assert process.stdout.readline().startswith("second ")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "Error: Interrupted.\n")


def test_a_log_that_is_not_there_is_told(desk: Any) -> None:
    desk.apply()
    meta = {"name": "receptionist-0", "labels": {"voiceagents.dev/agent": "receptionist"}}
    body: dict[str, Any] = {"metadata": meta, "spec": {"containers": [{"name": "worker", "image": "none"}]}}
    desk.cluster.post(f"/api/v1/namespaces/{desk.namespace}/pods", body)
    done = desk.voiceagent("logs")
    assert (done.code, done.out, done.err) == (0, "", "Its pods have written nothing yet.\n")
    desk.cluster.do("-n", desk.namespace, "delete", "pod", "receptionist-0", "--force", "--grace-period=0")
    body["metadata"]["name"] = "receptionist-1"
    body["spec"]["containers"][0]["name"] = "other"
    desk.cluster.post(f"/api/v1/namespaces/{desk.namespace}/pods", body)
    bad = desk.voiceagent("logs")
    assert (bad.code, bad.out) == (6, "")
    assert "Note: receptionist-1: container worker is not valid for pod receptionist-1." in bad.err


def on_a_terminal(desk: Any, words: list[str], answer: Any) -> tuple[str, int]:
    """What is seen on a terminal, and the exit code; the question is answered once it is asked."""
    ours, theirs = pty.openpty()
    command = [str(Path(sys.executable).with_name("voiceagent")), *words]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=desk.env, cwd=desk.folder)
    os.close(theirs)
    seen, answered, end = "", False, time.monotonic() + 90
    while time.monotonic() < end:
        if select.select([ours], [], [], 0.2)[0]:
            try:
                seen += os.read(ours, 65536).decode()
            except OSError:
                break
        if not answered and "(y/N)" in seen:
            os.write(ours, f"{answer()}\n".encode())
            answered = True
    os.close(ours)
    return seen, process.wait(30)
