"""The picture of the workbook: `python -m tests.alerts.picture` draws it from the workbook's own queries."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from tests.alerts.day import Day
from tests.alerts.queries import workbook_charts
from tests.infra.bicep import ROOT

PICTURE = ROOT / "docs" / "workbook.svg"

_FILE = "orders/05-01.csv"
_WIDTH = 960
_CHART = 150
_LINE = 18
_MOST_ROWS = 8
_STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 14px; font-weight: 600 }
  .faint { fill: #656d76 }
  .back { fill: #ffffff }
  .rule { stroke: #d0d7de }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .faint { fill: #8d96a0 }
    .back { fill: #0d1117 }
    .rule { stroke: #30363d }
  }
"""
_COLOURS = ["#2f81f7", "#3fb950", "#d29922", "#f85149", "#a371f7", "#db61a2", "#8d96a0", "#1b7c83"]


def draw() -> str:
    """Return the picture as SVG."""
    day = Day()
    parts: list[str] = []
    top = 16
    for chart in workbook_charts():
        rows = day.workspace.query(chart.query.replace("{File}", _FILE), now=day.end)
        title = f"{chart.title}: {_FILE}" if chart.name == "story" else chart.title
        parts.append(_text(16, top + 14, title, "title"))
        if chart.look == "table":
            body, height = _table(rows, top + 40)
        else:
            body, height = _plot(rows, top + 30, is_stacked=chart.look == "barchart")
        parts += body
        top += height + 62
    size = f'width="{_WIDTH}" height="{top}" viewBox="0 0 {_WIDTH} {top}"'
    back = f'<rect class="back" width="{_WIDTH}" height="{top}"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>The workbook</title>'
    return "\n".join([head, f"<style>{_STYLE}</style>", back, *parts, "</svg>", ""])


def _plot(rows: Sequence[dict[str, Any]], top: int, *, is_stacked: bool) -> tuple[list[str], int]:
    if is_stacked:
        values = {(row["TimeGenerated"], row["Outcome"]): float(row["Files"]) for row in rows}
    else:
        values = {(row["TimeGenerated"], key): row[key] for row in rows for key in ("P50", "P95", "P99")}
    hours = sorted({hour for hour, _ in values})
    series = sorted({name for _, name in values})
    sums = [sum(values.get((hour, name), 0.0) for name in series) for hour in hours]
    most = max(sums if is_stacked else values.values())
    step = (_WIDTH - 260) / len(hours)
    parts = [_axis(top, most, hours, step)]
    for number, name in enumerate(series):
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(
            f'<rect x="{_WIDTH - 190}" y="{top + number * _LINE}" width="10" height="10" fill="{colour}"/>'
        )
        parts.append(_text(_WIDTH - 174, top + number * _LINE + 10, name))
        points = []
        for index, hour in enumerate(hours):
            below = sum(values.get((hour, other), 0.0) for other in series[:number]) if is_stacked else 0.0
            value = values.get((hour, name), 0.0)
            # Seconds of an outage would press all others to the ground.
            part = (below + value) / most if is_stacked else math.log1p(value) / math.log1p(most)
            x, y = 50 + index * step, top + _CHART * (1 - part)
            points.append(f"{x + step / 2:.1f},{y:.1f}")
            if is_stacked and value:
                box = f'width="{step - 6:.1f}" height="{_CHART * value / most:.1f}"'
                parts.append(f'<rect x="{x + 3:.1f}" y="{y:.1f}" {box} fill="{colour}"/>')
        if not is_stacked:
            line = " ".join(points)
            parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
    return parts, _CHART + 10


def _axis(top: int, most: float, hours: Sequence[datetime], step: float) -> str:
    bottom = top + _CHART
    labels = [
        _text(50 + index * step + 4, bottom + 16, f"{hour:%H:%M}", "faint")
        for index, hour in enumerate(hours)
    ]
    line = f'<line class="rule" x1="50" x2="{_WIDTH - 210}" y1="{bottom}" y2="{bottom}"/>'
    return "\n".join([line, _text(12, top + 8, f"{most:.0f}", "faint"), *labels])


def _table(rows: Sequence[dict[str, Any]], top: int) -> tuple[list[str], int]:
    shown = rows[:_MOST_ROWS]
    names = [name for name in rows[0] if name not in {"OperationId", "Run"}]
    cells = [[_cell(row[name]) for name in names] for row in shown]
    widths = [max(len(text) for text in column) for column in zip(names, *cells, strict=True)]
    scale = min(7.2, (_WIDTH - 32) / (sum(widths) + 2 * len(widths)))
    parts = []
    for number, line in enumerate([names, *cells]):
        x = 16.0
        for text, width in zip(line, widths, strict=True):
            room = int(width * scale / 6.4)
            parts.append(_text(x, top + number * _LINE, _shortened(text, room), "" if number else "faint"))
            x += (width + 2) * scale
    return parts, _LINE * len(shown) + 4


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%H:%M:%S}"
    return "" if value is None else str(value)


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(room - 1, 1)]}…"


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text{style} x="{x:.0f}" y="{y:.0f}">{escape(text)}</text>'


def main() -> None:
    """Draw it."""
    PICTURE.write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
