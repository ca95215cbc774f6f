"""A recorded terminal session as an SVG: all of it at once, or in a window in which it moves up as it is written. Pure.

The SVG loads nothing and runs no script, so that it plays wherever a page may show a picture.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

NAME = "cli"
ROW_PIXELS = 24.4
"""Of rich's own format: letters of 20 pixels, and 1.22 times that from line to line."""
TYPING_SECONDS = 1.2
READING_SECONDS = 1.5
READING_SECONDS_A_ROW = 0.12
READING_SECONDS_MAX = 5.0
END_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Step:
    """A command, and what it wrote, with the terminal's own codes for colours."""

    command: str
    output: str


@dataclass(frozen=True, slots=True)
class Stop:
    """How many rows are written, and for how long it stays so."""

    rows: int
    seconds: float


def still(console: Console, steps: Sequence[Step]) -> str:
    """The whole session, as long as it is."""
    _write(console, steps)
    return _svg(console)


def moving(console: Console, steps: Sequence[Step], window: int) -> str:
    """A window of so many rows that plays the session over and over; a reader who wants no motion sees its end."""
    stops = _write(console, steps)
    hidden = (stops[-1].rows - window) * ROW_PIXELS
    svg = _svg(console)
    # The picture, the window's frame and what it shows of the text all are as high as there are rows.
    svg = re.sub(r'viewBox="0 0 (\S+) (\S+)"', lambda found: f'viewBox="0 0 {found[1]} {_less(found[2], hidden)}"', svg)
    svg = re.sub(
        r'(<rect (?:x="0" y="0"|fill="\S+" stroke=)[^>]*height=")([\d.]+)"',
        lambda found: f'{found[1]}{_less(found[2], hidden)}"',
        svg,
        count=2,
    )
    return svg.replace("</style>", f"{_motion(stops, window)}\n    </style>", 1)


def _write(console: Console, steps: Sequence[Step]) -> list[Stop]:
    stops = []
    for step in steps:
        before = _rows(console)
        console.print(Text.assemble(("$ ", "bold green"), (step.command, "bold")))
        stops.append(Stop(_rows(console), TYPING_SECONDS))
        console.print(Text.from_ansi(step.output))
        written = _rows(console)
        reading = min(READING_SECONDS_MAX, READING_SECONDS + READING_SECONDS_A_ROW * (written - before))
        stops.append(Stop(written, reading))
    return [*stops[:-1], Stop(stops[-1].rows, END_SECONDS)]


def _rows(console: Console) -> int:
    return console.export_text(clear=False).count("\n")


def _motion(stops: Sequence[Stop], window: int) -> str:
    whole, at, frames = sum(stop.seconds for stop in stops), 0.0, []
    for stop in stops:
        frames.append(f"{100 * at / whole:.3f}% {{ {_moved(stop, window)} }}")
        at += stop.seconds
    return (
        f"    .{NAME}-matrix {{ animation: {NAME}-play {whole:.1f}s step-end infinite; {_moved(stops[-1], window)} }}\n"
        f"    @keyframes {NAME}-play {{ {' '.join(frames)} }}\n"
        f"    @media (prefers-reduced-motion: reduce) {{ .{NAME}-matrix {{ animation: none }} }}"
    )


def _moved(stop: Stop, window: int) -> str:
    """The last row that is written stands at the window's lower edge; those after it are not to be seen yet."""
    return f"transform: translateY({(window - stop.rows) * ROW_PIXELS:.1f}px)"


def _less(height: str, hidden: float) -> str:
    return f"{float(height) - hidden:.1f}"


def _svg(console: Console) -> str:
    # Fonts of the reader's own machine: a picture in a page may fetch none.
    form = re.sub(r"@font-face \{\{.*?\n    \}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    form = form.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace")
    form = re.sub(r"\n    <!--.*?-->", "", form)
    return console.export_svg(title="voiceagent", code_format=form, unique_id=NAME)
