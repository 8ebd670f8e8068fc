"""Charts: PNG images with the units of their values."""

from __future__ import annotations

import pytest

from bot.slack import chart_image

CHART = {"title": "lag of $x$ orders-3", "lines": [{"name": "a_$b", "points": [[0, 1.5], [60, 9]]}]}


@pytest.mark.parametrize("unit", ["", "seconds", "bytes", "percent", "of another version"])
def test_a_chart_is_a_png_of_the_documented_size(unit):
    picture = chart_image.png({**CHART, "unit": unit})
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])) == (720, 288)


def test_the_axis_shows_the_unit():
    assert chart_image.png({**CHART, "unit": "seconds"}) != chart_image.png({**CHART, "unit": "percent"})
    assert chart_image.png({**CHART, "unit": ""}) == chart_image.png(CHART)
