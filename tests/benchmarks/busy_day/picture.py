"""The day as an SVG picture that stands on light and dark pages alike. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from busy_day.run import MOST_PODS, PLACES_A_POD, Sample

WIDTH: Final = 960
HEIGHT: Final = 720
LEFT: Final = 64
RIGHT: Final = 56
REFUSED_HOURS: Final = 0.25
STYLE: Final = """
 text { font: 13px system-ui, sans-serif; fill: #24292f } .title { font-size: 17px; font-weight: 600 }
 .small { font-size: 12px; fill: #57606a } .page { fill: #ffffff } .grid { stroke: #d0d7de; stroke-width: 1 }
 .calls { fill: #54aeff; fill-opacity: .55 } .places { fill: none; stroke: #0a3069; stroke-width: 1.6 }
 .refused { fill: #cf222e } .crowd { fill: #bf8700; fill-opacity: .35 }
 @media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 } .page { fill: #0d1117 } .grid { stroke: #30363d }
  .calls { fill: #388bfd; fill-opacity: .6 } .places { stroke: #cae8ff } .refused { fill: #ff7b72 }
  .crowd { fill: #e3b341 } }
"""


@dataclass(frozen=True, slots=True)
class Panel:
    """A rectangle of the picture with its two scales."""

    top: float
    height: float
    since: float
    until: float
    most: float

    def x(self, hour: float) -> float:
        return LEFT + (hour - self.since) / (self.until - self.since) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return self.top + self.height * (1 - value / self.most)

    def shows(self, hour: float) -> bool:
        return self.since <= hour <= self.until


def draw(samples: Sequence[Sample], crowd: tuple[float, float], told: str) -> str:
    """The whole picture; `crowd` are the hours of the part at true speed, `told` says how the day was run."""
    day = Panel(96, 300, 0, 24, MOST_PODS * PLACES_A_POD * 1.1)
    bars = refused_each(samples)
    refused = Panel(440, 70, 0, 24, max(10, *bars.values()))
    near = [sample for sample in samples if crowd[0] <= sample.hour <= crowd[1]]
    close = Panel(566, 110, *crowd, max((sample.pods for sample in near), default=1) * PLACES_A_POD * 1.15)
    parts = [
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
        _text(LEFT, 28, "Simulated: a day of one agent, up to 2,000 calls at once over 200 pods", "title"),
        _text(LEFT, 48, told, "small"),
        f'<rect class="calls" x="{LEFT}" y="62" width="22" height="12"/>' + _text(LEFT + 28, 73, "calls that run"),
        f'<path class="places" d="M{LEFT + 150} 68h22"/>' + _text(LEFT + 178, 73, "places of all pods"),
        f'<rect class="refused" x="{LEFT + 326}" y="62" width="22" height="12"/>',
        _text(LEFT + 354, 73, "callers refused"),
        f'<rect class="crowd" x="{LEFT + 480}" y="62" width="22" height="12"/>',
        _text(LEFT + 508, 73, "at true speed, below"),
        *_levels(day, (0, 500, 1000, 1500, 2000), right=lambda value: f"{value // PLACES_A_POD}"),
        _text(WIDTH - RIGHT + 8, day.top - 8, "pods", "small"),
        _text(LEFT - 8, day.top - 8, "calls", "small", "end"),
        f'<rect class="crowd" x="{day.x(crowd[0]) - 2:.1f}" y="{day.top}" '
        f'width="{day.x(crowd[1]) - day.x(crowd[0]) + 4:.1f}" height="{day.height}"/>',
        *_curves(day, samples),
        *_hours(day, [(hour, f"{hour:02}:00") for hour in range(0, 25, 3)], labels=False),
        _text(LEFT, refused.top - 10, "Callers refused, in each quarter of an hour", "small"),
        *_levels(refused, (0, int(refused.most))),
        *(_bar(refused, hour, count) for hour, count in bars.items() if count),
        *_hours(refused, [(hour, f"{hour:02}:00") for hour in range(0, 25, 3)]),
        _text(LEFT, close.top - 10, "At true speed: 600 people call within a minute", "small"),
        *_levels(close, (0, *(range(500, int(close.most), 500)))),
        *_curves(close, near),
        *_hours(close, _minutes(*crowd)),
    ]
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="Simulated day: calls, places and refused callers by the hour">\n<style>{STYLE}</style>\n'
        f"{body}\n</svg>\n"
    )


def refused_each(samples: Sequence[Sample]) -> dict[float, int]:
    """How many callers were refused in each quarter of an hour, by its beginning."""
    counted: dict[float, int] = {}
    before = 0
    for sample in samples:
        quarter = sample.hour // REFUSED_HOURS * REFUSED_HOURS
        counted[quarter] = counted.get(quarter, 0) + sample.refused - before
        before = sample.refused
    return counted


def _curves(panel: Panel, samples: Sequence[Sample]) -> list[str]:
    shown = [sample for sample in samples if panel.shows(sample.hour)]
    if not shown:
        return []
    ground = panel.y(0)
    calls = " ".join(f"{panel.x(sample.hour):.1f},{panel.y(sample.active):.1f}" for sample in shown)
    first, last = panel.x(shown[0].hour), panel.x(shown[-1].hour)
    steps, pods = f"M{first:.1f} {panel.y(shown[0].pods * PLACES_A_POD):.1f}", shown[0].pods
    for sample in shown:
        if sample.pods != pods or sample is shown[-1]:
            pods = sample.pods
            steps += f"H{panel.x(sample.hour):.1f}V{panel.y(pods * PLACES_A_POD):.1f}"
    return [
        f'<polygon class="calls" points="{first:.1f},{ground:.1f} {calls} {last:.1f},{ground:.1f}"/>',
        f'<path class="places" d="{steps}"/>',
    ]


def _bar(panel: Panel, hour: float, count: int) -> str:
    left, top = panel.x(hour), panel.y(count)
    width = panel.x(hour + REFUSED_HOURS) - left - 1
    return f'<rect class="refused" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{panel.y(0) - top:.1f}"/>'


def _levels(panel: Panel, values: Sequence[int], right: Callable[[int], str] | None = None) -> list[str]:
    drawn: list[str] = []
    for value in values:
        y = panel.y(value)
        drawn.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        drawn.append(_text(LEFT - 8, y + 4, f"{value:,}", "small", "end"))
        if right:
            drawn.append(_text(WIDTH - RIGHT + 8, y + 4, right(value), "small"))
    return drawn


def _hours(panel: Panel, marks: Sequence[tuple[float, str]], *, labels: bool = True) -> list[str]:
    bottom = panel.top + panel.height
    ticks = [f'<path class="grid" d="M{panel.x(hour):.1f} {bottom}v5"/>' for hour, _ in marks]
    texts = [_text(panel.x(hour), bottom + 18, label, "small", "middle") for hour, label in marks] if labels else []
    return [*ticks, *texts]


def _minutes(since: float, until: float) -> list[tuple[float, str]]:
    return [
        (minute / 60, f"{minute // 60:02}:{minute % 60:02}")
        for minute in range(24 * 60)
        if since <= minute / 60 <= until
    ]


def _text(x: float, y: float, text: str, style: str = "", anchor: str = "start") -> str:
    kind = f' class="{style}"' if style else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
