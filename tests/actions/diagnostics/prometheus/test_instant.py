"""prometheus.instant: what an expression is now, by series."""

from __future__ import annotations

import pytest

from actions.contract import Unreadable
from actions.diagnostics.prometheus.instant import Instant, instant
from actions.prometheus_contract import Sample, Series
from bot.fleet.prometheus_reader import PrometheusReader
from bot.lab.lab_state import LabState
from tests.recorded import RecordedPrometheus


def series(value: float, **labels: str) -> Series:
    return Series(labels, (Sample(1_700_000_000.0, value),))


def test_the_value_of_each_series_by_its_labels():
    found = instant(
        RecordedPrometheus([series(3.0, __name__="lag", instance="db1", job="mysql"), series(0.0, instance="db2")]),
        query="lag",
    )
    assert found == Instant(3.0, {"instance=db1, job=mysql": 3.0, "instance=db2": 0.0})


def test_a_scalar_has_no_labels():
    assert instant(RecordedPrometheus([series(7.0)]), query="scalar(x)") == Instant(7.0, {"": 7.0})


def test_nothing_found_is_no_value_and_not_zero():
    assert instant(RecordedPrometheus([]), query="absent") == Instant(None, {})


def test_a_series_without_a_finite_sample_is_left_out():
    assert instant(RecordedPrometheus([Series({"instance": "db1"}, ())]), query="0/0") == Instant(None, {})


def test_what_prometheus_refuses_is_told():
    with pytest.raises(Unreadable, match="does not answer"):
        instant(RecordedPrometheus(Unreadable("Prometheus at http://p does not answer")), query="up")


@pytest.mark.lab
def test_a_real_prometheus(lab: LabState):
    prometheus = PrometheusReader(lab.urls.prometheus)
    found = instant(prometheus, query="mysql_up")
    assert found.value == 1.0
    assert found.values is not None
    assert all(any(f"instance={each.address}" in labels for labels in found.values) for each in lab.instances)
    assert instant(prometheus, query="no_such_metric") == Instant(None, {})
    with pytest.raises(Unreadable, match="refused 'up\\('"):
        instant(prometheus, query="up(")
