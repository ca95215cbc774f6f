"""Steps that a person can watch: what runs now, for how long, and what it last said."""

import json
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

QUIET_BEAT_SECONDS = 15.0
QUIET_WIDTH = 200


class Progress:
    """Prints each step with its time: live on a terminal, a line now and then elsewhere."""

    def __init__(self, last_line: Callable[[], str]) -> None:
        self._last_line = last_line
        self._live = sys.stderr.isatty()
        self.seconds: dict[str, float] = {}
        self._unfinished: set[str] = set()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show `title` as running until the block ends; its time is kept in `seconds`."""
        started = time.monotonic()
        done = threading.Event()
        beat = threading.Thread(target=self._beat, args=(title, started, done), daemon=True)
        beat.start()
        mark = "✗"
        try:
            yield
            mark = "✓"
        except BaseException:
            self._unfinished.add(title)
            raise
        finally:
            done.set()
            beat.join()
            took = time.monotonic() - started
            self.seconds[title] = round(self.seconds.get(title, 0) + took, 1)
            self._print(f"{mark} {title}  {took:.1f} s", end="\n")

    def note(self, text: str) -> None:
        """A line between steps."""
        self._print(text, end="\n")

    def save(self, file: Path) -> None:
        """Write the seconds of this run's steps as JSON."""
        _write(file, self.seconds)

    def save_first(self, file: Path) -> None:
        """Add the seconds of finished steps that `file` does not know yet: how long each took the first time."""
        seen: dict[str, float] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        finished = {title: took for title, took in self.seconds.items() if title not in self._unfinished}
        _write(file, {**finished, **seen})

    def _beat(self, title: str, started: float, done: threading.Event) -> None:
        while not done.wait(0.2 if self._live else QUIET_BEAT_SECONDS):
            took = time.monotonic() - started
            # Only this line is cut: it is written over, and a line that wrapped could not be.
            width = shutil.get_terminal_size().columns if self._live else QUIET_WIDTH
            line = f"… {title}  {took:.0f} s  {self._last_line()}"[: width - 1]
            self._print(line, end="" if self._live else "\n")

    def _print(self, text: str, end: str) -> None:
        start = "\r\x1b[2K" if self._live else ""
        sys.stderr.write(start + text + end)
        sys.stderr.flush()


def _write(file: Path, seconds: dict[str, float]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(seconds, indent=1) + "\n", encoding="utf-8")
