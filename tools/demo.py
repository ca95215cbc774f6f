"""The demo's last part: apply the first manifest, call the agent, print what was said and how fast it answered."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
from voiceagent_caller import (
    CallerMistake,
    CallFailed,
    CallHooks,
    CallOptions,
    Utterance,
    make_call,
    render_transcript,
)
from voiceagent_sandbox.paths import REPO, default_paths

MANIFEST = REPO / "crds" / "examples" / "receptionist.yaml"
QUESTIONS = ("Are you open on Saturday?", "Do I need to bring anything with me?")
READY_SECONDS = 240
SPEECH_SECONDS = 30
ADDRESS = "http://localhost:8080"


def kubectl(*words: str) -> str:
    """kubectl against the sandbox; ends the demo with its error."""
    paths = default_paths(dict(os.environ))
    program = shutil.which("kubectl", path=str(paths.cache / "bin")) or "kubectl"
    env = {**os.environ, "KUBECONFIG": str(paths.kubeconfig)}
    done = subprocess.run(
        [program, *words], env=env, capture_output=True, text=True, timeout=READY_SECONDS + 30, check=False
    )
    if done.returncode:
        sys.exit(f"`kubectl {' '.join(words[:3])}` failed: {done.stderr.strip()}")
    return done.stdout


def end_script() -> None:
    """Have the language model answer, also where a test that was interrupted left a script in force."""
    try:
        answer = httpx.delete(f"{ADDRESS}/sandbox/script", timeout=SPEECH_SECONDS)
    except httpx.HTTPError as error:
        sys.exit(f"The speech server does not answer at {ADDRESS}: {error!r}\nLook at: make sandbox-logs PART=speech")
    # 403: the scripted mode is off, so that no script can be in force.
    if answer.is_error and answer.status_code != httpx.codes.FORBIDDEN:
        sys.exit(f"DELETE {ADDRESS}/sandbox/script: {answer.status_code} {answer.text.strip()}")


def main() -> None:
    started = time.monotonic()
    end_script()
    kubectl("apply", "-f", str(MANIFEST))
    kubectl("wait", "--for=condition=Ready", "voiceagent/receptionist", f"--timeout={READY_SECONDS}s")
    ready_seconds = time.monotonic() - started
    print(f"✓ kubectl apply -f {MANIFEST.relative_to(REPO)}: Ready in {ready_seconds:.1f} s", file=sys.stderr)

    def show(sentence: str) -> None:
        print(f"  {time.monotonic() - started:6.1f} s  {sentence}", file=sys.stderr, flush=True)

    options = CallOptions(
        gateway=ADDRESS, speech=ADDRESS, utterances=tuple(Utterance(text=words) for words in QUESTIONS)
    )
    try:
        report = asyncio.run(make_call(options, CallHooks(progress=show)))
    except (CallFailed, CallerMistake) as error:
        sys.exit(f"The call failed: {error}\nLook at: make sandbox-logs PART=agents")
    build = REPO / "build" / "demo"
    build.mkdir(parents=True, exist_ok=True)
    steps = {
        "apply_to_ready_seconds": round(ready_seconds, 2),
        "call_seconds": round(time.monotonic() - started - ready_seconds, 2),
    }
    data = {**steps, **report.to_dict()}
    Path(build / "call.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    print(f"\n{render_transcript(report)}\n")
    print(f"Talk to it yourself: {ADDRESS}\nTake it all away:    make demo-down")


if __name__ == "__main__":
    main()
