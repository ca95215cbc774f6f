"""Runs the operator with a clock that jumps: by how many hours, its standard input says, a number a line.

Only the clock of day jumps, as it does where somebody sets it; what counts seconds goes on.
"""

import datetime
import runpy
import sys
import threading

import time_machine


def jump_when_told() -> None:
    """Follow standard input."""
    traveller: time_machine.travel | None = None
    for line in sys.stdin:
        if traveller:
            traveller.stop()
        to = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=float(line))
        traveller = time_machine.travel(to, tick=True)
        traveller.start()
        print(f"it is {datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ} now", file=sys.stderr, flush=True)


if __name__ == "__main__":
    threading.Thread(target=jump_when_told, daemon=True).start()
    runpy.run_module("voiceagent_operator", run_name="__main__")
