"""prometheus.range: how an expression went, in as many points as a chart can show."""

from __future__ import annotations

import pytest

from actions.diagnostics.prometheus.range import POINTS, Range, range  # noqa: A004 - its name in YAML
from actions.prometheus_contract import Sample, Series
from bot.fleet.prometheus_reader import PrometheusReader
from bot.lab.lab_state import LabState
from tests.recorded import RecordedPrometheus


def series(*values: float, **labels: str) -> Series:
    return Series(labels, tuple(Sample(1_700_000_000.0 + 15 * at, value) for at, value in enumerate(values)))


def test_the_lines_and_what_one_wants_to_know_of_the_first():
    found = range(RecordedPrometheus([series(1, 9, 3, 5, instance="db1"), series(0, 0, instance="db2")]), query="lag")
    assert [line.name for line in found.lines] == ["db1", "db2"]
    assert (found.last, found.most, found.rising) == (5.0, 9.0, True)


@pytest.mark.parametrize(
    ("values", "rising"), [((5, 4, 3), False), ((1, 1, 1), False), ((7,), False), ((1, 2, 3), True)]
)
def test_rising_is_above_the_middle_of_the_window(values, rising):
    assert range(RecordedPrometheus([series(*values)]), query="lag").rising is rising


@pytest.mark.parametrize(
    ("values", "seconds"),
    [((7,), 0.0), ((1, 1), 0.0), ((5, 4, 3), 0.0), ((1, 2, 3), 30.0), ((9, 1, 1, 2), 30.0), ((1, 5, 2, 4), 15.0)],
)
def test_rising_for_is_the_time_since_the_last_fall(values, seconds):
    assert range(RecordedPrometheus([series(*values)]), query="length").rising_for == seconds


def test_a_line_is_named_by_its_instance_or_its_metric():
    found = range(RecordedPrometheus([series(1, __name__="up"), series(1)]), query="up")
    assert [line.name for line in found.lines] == ["up", "value"]


@pytest.mark.parametrize("found", [[], [Series({}, ())]])
def test_nothing_found_is_nothing(found):
    assert range(RecordedPrometheus(found), query="absent") == Range()


@pytest.mark.parametrize(("window", "step"), [(3600.0, 15.0), (60.0, 1.0), (86400.0, 360.0)])
def test_a_window_is_asked_for_in_points_that_fit_a_chart(window, step):
    prometheus = RecordedPrometheus([])
    range(prometheus, query="lag", window=window)
    ((query, start, end, asked),) = prometheus.ranges
    assert (query, asked) == ("lag", step)
    assert (end - start).total_seconds() == window
    assert window / asked <= POINTS


@pytest.mark.lab
def test_a_real_prometheus(lab: LabState):
    # A constant: a server that was down within the window would let the value rise.
    found = range(PrometheusReader(lab.urls.prometheus), query="mysql_up * 0 + 1", window=120.0)
    assert {line.name for line in found.lines} >= {each.address for each in lab.instances}
    assert (found.last, found.most, found.rising) == (1.0, 1.0, False)
