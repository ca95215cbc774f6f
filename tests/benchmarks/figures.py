"""A benchmark's figures: as a table on the terminal, and as build/bench/NAME.json."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from voiceagent_sandbox.paths import REPO


@dataclass(frozen=True)
class Figure:
    """One measured number; `goal` is the most (or the least, where `at_least`) that it should be, if there is one."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    at_least: bool = False

    @property
    def holds(self) -> bool:
        if self.goal is None:
            return True
        return self.value >= self.goal if self.at_least else self.value <= self.goal


def report(name: str, figures: Sequence[Figure], **run: Any) -> None:
    """Print the figures and keep them; `run` tells of the run as a whole, such as its date."""
    for figure in figures:
        goal = "" if figure.goal is None else f"goal {figure.goal:g}  {'holds' if figure.holds else 'MISSED'}"
        print(f"{figure.name:62} {figure.value:10.2f} {figure.unit:3} {goal}")
    file = REPO / "build" / "bench" / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [{**asdict(figure), "holds": figure.holds} for figure in figures]
    told = {"figures": rows, **({"run": run} if run else {})}
    file.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
