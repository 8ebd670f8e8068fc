"""Renders data_visualization blocks as small SVG charts."""

from __future__ import annotations

from markupsafe import Markup

from bot.lab.slack_workspace.model import Json, JsonValue

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560.0, 200.0, 48.0, 12.0, 12.0, 28.0
COLOURS = ("#1d4e89", "#c06014", "#2b7a78", "#7c4dab", "#a30200", "#6b705c")


def _number(value: JsonValue) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def chart(block: Json) -> Markup:
    """Renders a line or bar chart from series of labelled values; for other charts, only their type."""
    drawing = block.get("chart")
    series = drawing.get("series") if isinstance(drawing, dict) else None
    if not isinstance(drawing, dict) or not isinstance(series, list):
        return Markup('<span class="unknown">{}</span>').format(str((drawing or {}).get("type", "chart")))
    rows = [
        [point for point in one.get("data", []) if isinstance(point, dict)] for one in series if isinstance(one, dict)
    ]
    top = max((_number(point.get("value")) for row in rows for point in row), default=0.0) or 1.0
    count = max((len(row) for row in rows), default=1)
    parts = [_grid(top), _labels(rows[0] if rows else [], count)]
    for index, row in enumerate(rows):
        colour = COLOURS[index % len(COLOURS)]
        draw = _bars if drawing.get("type") == "bar" else _line
        parts.append(draw(row, count, top, colour, index, len(rows)))
    legend = Markup("").join(
        Markup('<span><svg viewBox="0 0 10 10"><circle cx="5" cy="5" r="4" fill="{}"/></svg>{}</span>').format(
            COLOURS[index % len(COLOURS)], str(one.get("name", ""))
        )
        for index, one in enumerate(series)
        if isinstance(one, dict)
    )
    return Markup(
        '<svg class="chart" viewBox="0 0 560 200" role="img" aria-label="{}">{}</svg><div class="legend">{}</div>'
    ).format(str(block.get("title", "chart")), Markup("").join(parts), legend)


def _x(index: float, count: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (index + 0.5) / count


def _y(value: float, top: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top)


def _grid(top: float) -> Markup:
    line = Markup('<line x1="{:g}" x2="{:g}" y1="{:g}" y2="{:g}" stroke="#e3e3e3"/>')
    label = Markup('<text x="{:g}" y="{:g}" text-anchor="end" class="axis">{:g}</text>')
    shown = Markup("")
    for share in (0.0, 0.5, 1.0):
        y = _y(top * share, top)
        shown += line.format(LEFT, WIDTH - RIGHT, y, y) + label.format(LEFT - 6, y + 4, round(top * share, 2))
    return shown


def _labels(row: list[Json], count: int) -> Markup:
    label = Markup('<text x="{:g}" y="{:g}" text-anchor="middle" class="axis">{}</text>')
    every = max(1, count // 8)
    return Markup("").join(
        label.format(_x(index, count), HEIGHT - 8, str(point.get("label", "")))
        for index, point in enumerate(row)
        if index % every == 0
    )


def _line(row: list[Json], count: int, top: float, colour: str, index: int, of: int) -> Markup:
    points = " ".join(f"{_x(i, count):g},{_y(_number(p.get('value')), top):g}" for i, p in enumerate(row))
    return Markup('<polyline points="{}" fill="none" stroke="{}" stroke-width="2.5"/>').format(points, colour)


def _bars(row: list[Json], count: int, top: float, colour: str, index: int, of: int) -> Markup:
    width = (WIDTH - LEFT - RIGHT) / count * 0.7 / of
    bar = Markup('<rect x="{:g}" y="{:g}" width="{:g}" height="{:g}" fill="{}"/>')
    shown = Markup("")
    for i, point in enumerate(row):
        y = _y(_number(point.get("value")), top)
        shown += bar.format(_x(i, count) + (index - of / 2) * width, y, width, HEIGHT - BOTTOM - y, colour)
    return shown
