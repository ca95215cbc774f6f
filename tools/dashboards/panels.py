"""Panels, rows and variables in Grafana's JSON. Pure: the same words give the same file.

A panel is described by what it asks and how wide it is (of 24); `dashboard` puts panels one after the other into rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
WIDTH: Final = 24
SCHEMA_VERSION: Final = 39
"""Of Grafana 10 and 11; later ones read it and move it on by themselves."""
TAG: Final = "voiceagents"


@dataclass(frozen=True)
class Ask:
    """A query, and the words for each of its series."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """What a panel shows."""

    kind: str
    title: str
    asks: Sequence[Ask]
    width: int = 8
    height: int = 8
    unit: str = "short"
    about: str = ""
    stacked: bool = False
    most: float | None = None
    steps: Sequence[tuple[float | None, str]] = ((None, "green"),)
    """Colours from a value on, for stats and tables."""
    columns: dict[str, str] = field(default_factory=dict)
    """For a table: labels that are shown, in order, and their headings."""
    links: dict[str, str] = field(default_factory=dict)
    """For a table: what a column's cells lead to."""


def graph(title: str, *asks: Ask, **more: Any) -> Panel:
    """A line for each series over time."""
    return Panel("timeseries", title, asks, **more)


def stat(title: str, expr: str, **more: Any) -> Panel:
    """One number."""
    return Panel("stat", title, [Ask(expr)], width=4, height=4, **more)


def table(title: str, expr: str, columns: dict[str, str], width: int = WIDTH, **more: Any) -> Panel:
    """A line for each series of this moment; `Value` is the column of the number."""
    return Panel("table", title, [Ask(expr)], width, columns=columns, **more)


def per_minute(metric: str, by: str, chosen: str, legend: str = "") -> Ask:
    """How often a counter counted, a minute."""
    return Ask(f"60 * sum by ({by}) (rate({metric}{chosen}[$__rate_interval]))", legend)


def percentiles(title: str, histogram: str, by: str, chosen: str, legend: str = "", **more: Any) -> Panel:
    """Half, 95 and 99 of 100 of a histogram."""
    labels = ", ".join(filter(None, [by, "le"]))
    counts = f"sum by ({labels}) (rate({histogram}_bucket{chosen}[$__rate_interval]))"
    asks = [Ask(f"histogram_quantile({q}, {counts})", f"{legend} p{q * 100:.0f}".strip()) for q in (0.5, 0.95, 0.99)]
    return graph(title, *asks, **{"unit": "s", **more})


def variable(name: str, label: str, query: str, *, multi: bool) -> dict[str, Any]:
    """A choice at the top of the page, of a label's values."""
    chosen = {"allValue": ".*", "current": {"text": "All", "value": "$__all"}} if multi else {}
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": multi,
        "includeAll": multi,
        **chosen,
    }


def dashboard(
    uid: str, title: str, about: str, variables: Sequence[dict[str, Any]], rows: Iterable[tuple[str, Sequence[Panel]]]
) -> dict[str, Any]:
    """The whole file."""
    return {
        "uid": uid,
        "title": title,
        "description": about,
        "tags": [TAG],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "links": [
            {
                "title": "Voice agents",
                "type": "dashboards",
                "tags": [TAG],
                "asDropdown": True,
                "includeVars": True,
                "keepTime": True,
            }
        ],
        "templating": {"list": [_SOURCES, *variables]},
        "panels": list(_placed(rows)),
    }


_SOURCES: Final = {
    "name": "datasource",
    "label": "Data source",
    "type": "datasource",
    "query": "prometheus",
    "refresh": 1,
}


def _placed(rows: Iterable[tuple[str, Sequence[Panel]]]) -> Iterable[dict[str, Any]]:
    number, y = 0, 0
    for title, panels in rows:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": y},
        }
        x, y, tallest = 0, y + 1, 0
        for panel in panels:
            number += 1
            if x + panel.width > WIDTH:
                x, y, tallest = 0, y + tallest, 0
            place = {"h": panel.height, "w": panel.width, "x": x, "y": y}
            yield {"id": number, "gridPos": place, **_drawn(panel)}
            x, tallest = x + panel.width, max(tallest, panel.height)
        y += tallest


def _drawn(panel: Panel) -> dict[str, Any]:
    steps = [{"value": value, "color": colour} for value, colour in panel.steps]
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.most is not None:
        defaults["max"] = panel.most
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "fillOpacity": 25 if panel.stacked else 8,
            "showPoints": "never",
            "stacking": {"mode": "normal" if panel.stacked else "none"},
        }
        defaults["color"] = {"mode": "palette-classic"}
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": _overrides(panel)},
        "options": _OPTIONS[panel.kind],
        "targets": [_target(letter, panel, ask) for letter, ask in zip("ABCDEFGH", panel.asks, strict=False)],
        **_transformed(panel),
    }


_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {"colorMode": "value", "graphMode": "area", "reduceOptions": {"calcs": ["lastNotNull"]}},
    "table": {"showHeader": True, "cellHeight": "sm"},
}


def _target(letter: str, panel: Panel, ask: Ask) -> dict[str, Any]:
    now = {"instant": True, "range": False, "format": "table"} if panel.kind == "table" else {"range": True}
    return {"refId": letter, "datasource": SOURCE, "expr": ask.expr, "legendFormat": ask.legend or "__auto", **now}


def _overrides(panel: Panel) -> list[dict[str, Any]]:
    links = [
        {
            "matcher": {"id": "byName", "options": column},
            "properties": [{"id": "links", "value": [{"title": "Open", "url": url}]}],
        }
        for column, url in panel.links.items()
    ]
    if panel.kind != "table":
        return links
    cell = {"id": "custom.cellOptions", "value": {"type": "color-text"}}
    return [*links, {"matcher": {"id": "byType", "options": "number"}, "properties": [cell]}]


def _transformed(panel: Panel) -> dict[str, Any]:
    if not panel.columns:
        return {}
    options = {
        "excludeByName": {name: True for name in ("Time", "Value") if name not in panel.columns},
        "indexByName": {name: number for number, name in enumerate(panel.columns)},
        "renameByName": panel.columns,
    }
    return {"transformations": [{"id": "organize", "options": options}]}
