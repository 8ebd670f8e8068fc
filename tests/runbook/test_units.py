"""Parsing and formatting of durations, sizes and percentages."""

from __future__ import annotations

import pytest

from bot.runbook.language import units


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("500ms", 0.5), ("1.5h", 5400), ("2d", 172800), (30, 30), ("30", 30)],
)
def test_a_duration_is_parsed(written, seconds):
    assert units.seconds(written) == seconds


@pytest.mark.parametrize(
    ("written", "size"),
    [("2GiB", 2 * 1024**3), ("2GB", 2 * 10**9), ("512KiB", 524288), ("512k", 512000), ("10B", 10), (7, 7), ("7", 7)],
)
def test_a_size_is_parsed(written, size):
    assert units.size(written) == size


@pytest.mark.parametrize("written", ["", "s", "5 parsecs", "5m later", True, None, "--5"])
def test_an_invalid_duration_is_rejected(written):
    with pytest.raises(ValueError, match="not a duration"):
        units.seconds(written)


@pytest.mark.parametrize("written", ["", "GiB", "5 GiBB", True, "-5", "1e9"])
def test_an_invalid_size_is_rejected(written):
    with pytest.raises(ValueError, match="not a size"):
        units.size(written)


@pytest.mark.parametrize(("written", "percent"), [("80%", 80), (80, 80), ("12.5 %", 12.5)])
def test_a_percentage_is_parsed(written, percent):
    assert units.percent(written) == percent


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"), (0.25, "0.25 s"), (59, "59 s"), (60, "1 min"), (125, "2 min 5 s"), (3600, "1 h"),
        (3605, "1 h"), (7500, "2 h 5 min"), (187200, "2 d 4 h"), (-30, "-30 s"),
    ],
)  # fmt: skip
def test_a_duration_is_formatted_in_its_two_largest_units(seconds, shown):
    assert units.show_seconds(seconds) == shown
