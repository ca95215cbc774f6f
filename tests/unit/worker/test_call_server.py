"""The server that calls' processes are forked from, in an interpreter of its own: a test's has threads and more."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from voiceagent_worker.call_server import modules_to_preload

CONFIG = {
    "schemaVersion": 1,
    "namespace": "tests",
    "name": "agent",
    "agentName": "agent",
    "livekitURL": "ws://127.0.0.1:7880",
    "instructions": "You answer the phone.",
    "providers": {kind: {"provider": "openai", "model": "any"} for kind in ("stt", "llm", "tts")},
    "maxSessionSeconds": 600,
    "drainTimeoutSeconds": 60,
}
SCRIPT = """
import gc, json, multiprocessing, os, sys
from voiceagent_api.agent_config import AgentConfig
from voiceagent_worker.call_server import start_call_server

def tell(queue):
    queue.put({"pid": os.getpid(), "parent": os.getppid(), "collects": gc.isenabled(), "frozen": gc.get_freeze_count(),
               "loaded": "livekit.plugins.openai" in sys.modules, "mark": getattr(json, "mark", None)})

if __name__ == "__main__":
    json.mark = "from the main process"
    started = start_call_server(AgentConfig.model_validate_json(sys.argv[1]))
    context = multiprocessing.get_context("forkserver")
    def ask():
        queue = context.SimpleQueue()
        process = context.Process(target=tell, args=(queue,))
        process.start()
        told = queue.get()
        process.join(30)
        return {**told, "code": process.exitcode}
    answers = [ask()]
    if "kill" in sys.argv:
        os.kill(answers[0]["parent"], 9)
        os.waitid(os.P_PID, answers[0]["parent"], os.WEXITED | os.WNOWAIT)
        answers.append(ask())
    print(json.dumps({"started": started, "main": os.getpid(), "answers": answers}), flush=True)
"""


def run(tmp_path: Any, *arguments: str) -> dict[str, Any]:
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    command = [sys.executable, str(script), json.dumps(CONFIG), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_processes_come_from_a_fork_of_the_main_process_and_find_everything_imported(tmp_path: Any) -> None:
    told = run(tmp_path)
    assert told["started"]
    (answer,) = told["answers"]
    assert answer["mark"] == "from the main process"
    assert (answer["loaded"], answer["collects"], answer["code"]) == (True, True, 0)
    assert answer["frozen"] > 10_000
    assert answer["parent"] not in (told["main"], answer["pid"])


def test_the_server_ends_with_the_main_process(tmp_path: Any) -> None:
    server = run(tmp_path)["answers"][0]["parent"]
    # it ends by itself, so a moment may go by
    for _ in range(600):
        if not _runs(server):
            return
        subprocess.run(["sleep", "0.05"], check=True)
    raise AssertionError(f"process {server} still runs")


def test_a_dead_server_is_followed_by_one_of_multiprocessings_own(tmp_path: Any) -> None:
    first, second = run(tmp_path, "kill")["answers"]
    assert second["parent"] != first["parent"]
    assert second["mark"] is None
    assert second["code"] == 0


def test_a_module_that_cannot_be_imported_is_left_to_the_call_that_needs_it() -> None:
    from voiceagent_api.agent_config import AgentConfig

    config = AgentConfig.model_validate({**CONFIG, "plugins": [{"name": "not_installed"}]})
    assert "livekit.plugins.silero" in modules_to_preload(config)


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"
