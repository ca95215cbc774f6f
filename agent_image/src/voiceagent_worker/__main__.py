"""`python -m voiceagent_worker`."""

import signal
import sys


def _end_at_once(*_: object) -> None:
    raise SystemExit(0)


# First of all: the kernel drops a signal that a container's first process does not handle, so a pod deleted during
# the seconds of imports would stay until the end of its grace period.
signal.signal(signal.SIGTERM, _end_at_once)

from voiceagent_worker.main import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
