"""The server as a program: how it ends."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any


def test_the_server_ends_promptly_on_sigterm_with_its_children(another_server: Any) -> None:
    process = another_server.process
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert children
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert time.monotonic() - began < 5
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def test_a_setting_that_cannot_be_used_ends_the_program_with_one_sentence(run_program: Any) -> None:
    ended = run_program(SPEECH_THREADS="many")
    assert ended.returncode == 1
    assert ended.stderr.strip() == "SPEECH_THREADS is 'many'; give a whole number of at least 1."
