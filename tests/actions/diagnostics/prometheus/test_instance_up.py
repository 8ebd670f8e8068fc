"""prometheus.instance_up: what the last scrapes say of a server, its exporter and its host."""

from __future__ import annotations

import pytest

from actions.contract import Unreadable
from actions.diagnostics.prometheus.instance_up import InstanceUp, instance_up
from actions.prometheus_contract import Sample, Series
from bot.fleet.prometheus_reader import PrometheusReader
from bot.lab.lab_state import LabState


class Scrapes:
    """Answers each query by a part of its text."""

    def __init__(self, **values: float) -> None:
        self.values = values
        self.asked: list[str] = []

    def instant(self, query: str, *, limit: int = 200) -> list[Series]:
        self.asked.append(query)
        found = [value for part, value in self.values.items() if f"{part}{{" in query]
        return [Series({}, (Sample(1.0, found[0]),))] if found else []

    def range(self, query, *, start, end, step, limit=50):
        raise Unreadable("nobody asks for a range here")


def test_what_prometheus_knows():
    scrapes = Scrapes(mysql_up=0.0, mysql_global_status_uptime=77.0)
    assert instance_up(scrapes, address="db7:3306") == InstanceUp(None, False, None, 77.0)


def test_an_address_is_a_value_whatever_it_holds():
    scrapes = Scrapes()
    instance_up(scrapes, address='x"} or vector(1) #:1')
    assert all('"} or' not in query.replace('\\"', "") for query in scrapes.asked)
    assert 'instance="x\\"} or vector(1) #:1"' in scrapes.asked[0]


@pytest.mark.lab
def test_the_lab_s_prometheus(lab: LabState):
    reader = PrometheusReader(lab.urls.prometheus)
    found = instance_up(reader, address=lab.instance("orders-1").address)
    assert (found.exporter_answers, found.server_up, found.host_up) == (True, True, True)
    assert found.uptime is not None
    assert instance_up(reader, address="nobody:3306").server_up is None
