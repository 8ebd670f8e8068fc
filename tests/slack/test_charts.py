"""Charts are pictures."""

from __future__ import annotations

from bot.slack import charts


def test_a_chart_is_a_png_of_the_announced_size():
    picture = charts.png({"title": "lag of $x$ orders-3", "lines": [{"name": "a_$b", "points": [[0, 1.5], [60, 9]]}]})
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])) == (720, 288)
