"""Draws charts as PNG."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure

from bot.runbook.language.units import show_bytes, show_seconds

_SHOWN: Mapping[str, Callable[[float], str]] = {
    "seconds": show_seconds,
    "bytes": show_bytes,
    "percent": lambda value: f"{value:g} %",
}
"""How the values of a unit are formatted; other values are plain numbers."""
COLOURS = ("#1264a3", "#a30200", "#2eb886", "#daa038", "#611f69")


def png(chart: Mapping[str, Any]) -> bytes:
    """Draws `{title, unit, lines: [{name, points: [[unix time, value]]}]}` as a PNG of 720 x 288; times are in UTC."""
    figure = Figure(figsize=(7.2, 2.88), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, line in enumerate(chart["lines"]):
        times = [date2num(datetime.fromtimestamp(at, UTC)) for at, _ in line["points"]]  # type: ignore[no-untyped-call]
        values = [float(value) for _, value in line["points"]]
        axes.plot(times, values, color=COLOURS[number % len(COLOURS)], linewidth=1.8, label=line["name"])
        axes.fill_between(times, values, alpha=0.08, color=COLOURS[number % len(COLOURS)])
    axes.set_title(chart["title"], loc="left", fontsize=10, parse_math=False)
    axes.grid(visible=True, axis="y", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_ylim(bottom=0)
    if show := _SHOWN.get(str(chart.get("unit", ""))):
        axes.yaxis.set_major_formatter(lambda value, _: show(value))
    locator = AutoDateLocator(tz=UTC, maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
    axes.tick_params(labelsize=8)
    legend = axes.legend(fontsize=8, frameon=False, loc="upper left")
    for text in legend.get_texts():
        text.set_parse_math(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
