"""How soon the operator that stands by leads, once the one that led is gone."""

import subprocess
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace

from operator_speed.contestants import operator
from operator_speed.fleet import NAMESPACE
from operator_speed.race import Course
from operator_speed.stage import ended
from operator_speed.steady import until
from processes import free_port

LOOK_SECONDS = 0.02
END_SECONDS = 20.0


def failover_seconds(course: Course) -> tuple[float, float]:
    """From a leader's SIGKILL, and from a leader's SIGTERM, until another leads; all of them on the same agents."""
    running: list[subprocess.Popen[bytes]] = []

    def candidate(number: int) -> tuple["subprocess.Popen[bytes]", Callable[[], bool]]:
        port = free_port()
        contestant = replace(operator(course.stage, port, "--leader-elect", NAMESPACE), name=f"candidate {number}")
        process = course.start(contestant)
        running.append(process)
        until(lambda: _answers(port, "/readyz") is not None, f"candidate {number} to be ready")
        return process, lambda: "\nvoiceagent_operator_leader 1.0" in (_answers(port, "/metrics") or "")

    try:
        with course.progress.step("operators that follow each other"):
            first, first_leads = candidate(1)
            until(first_leads, "candidate 1 to lead")
            second, second_leads = candidate(2)
            began = time.monotonic()
            first.kill()
            until(second_leads, "candidate 2 to lead", LOOK_SECONDS)
            killed = time.monotonic() - began
            first.wait(END_SECONDS)
            _, third_leads = candidate(3)
            began = time.monotonic()
            second.terminate()
            until(third_leads, "candidate 3 to lead", LOOK_SECONDS)
            return killed, time.monotonic() - began
    finally:
        for process in running:
            ended(process)


def _answers(port: int, path: str) -> str | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return None
