"""prometheus.host: the host by its exporter, at whatever port that is."""

from __future__ import annotations

import pytest

from actions.diagnostics.prometheus.host import Host, host
from actions.prometheus_contract import Sample, Series
from actions.promql_quoting import host_pattern
from bot.fleet.prometheus_reader import PrometheusReader
from bot.lab.lab_state import LabState
from bot.lab.waiting import wait_until
from tests.recorded import RecordedPrometheus


class Exporter(RecordedPrometheus):
    """An exporter of a host with one disk that fills."""

    def __init__(self) -> None:
        super().__init__([])
        self.asked: list[str] = []

    def instant(self, query: str, *, limit: int = 200) -> list[Series]:
        self.asked.append(query)
        values = {
            "deriv(": -100.0,
            "100 * node_filesystem_files_free": 40.0,
            "node_filesystem_size": 1000.0,
            "node_filesystem_avail": 200.0,
            "node_memory_MemTotal": 1000.0,
            "node_memory_MemAvailable": 50.0,
            "node_timex_sync_status": 0.0,
            "mysql_global_status_threads_running": 9.0,
        }
        found = next((value for part, value in values.items() if part in query), None)
        return [] if found is None else [Series({"mountpoint": "/data"}, (Sample(1.0, found),))]


def test_what_the_exporter_tells():
    found = host(Exporter(), address="db7:3306")
    (disk,) = found.filesystems
    assert (disk.mountpoint, disk.used, disk.full_in, disk.readonly, disk.inodes_free) == (
        "/data",
        80.0,
        2.0,
        False,
        40.0,
    )
    assert (found.known, found.available_share, found.clock_synced) == (True, 5.0, False)
    assert (found.busy, found.iowait, found.swapping) == (None, None, None)
    assert (found.server_running, found.server_uptime, found.buffer_pool) == (8, None, None)


def test_the_server_at_the_address_goes_before_others_of_its_host():
    exporter = Exporter()
    host(exporter, address="db7:3307")
    [asked] = [each for each in exporter.asked if "threads_running" in each]
    assert asked.startswith('max(mysql_global_status_threads_running{instance="db7:3307"}) or max(')


def test_a_host_that_nobody_watches():
    assert host(RecordedPrometheus([]), address="db7:3306") == Host()


@pytest.mark.parametrize(
    ("address", "pattern"),
    [
        ("db7:3306", '"db7(:[0-9]+)?"'),
        ("db7.example.com", '"db7\\\\.example\\\\.com(:[0-9]+)?"'),
        ("10.0.0.7:3306", '"10\\\\.0\\\\.0\\\\.7(:[0-9]+)?"'),
        ('x"} or vector(1):1', '"x\\\\\\"\\\\}\\\\ or\\\\ vector\\\\(1\\\\)(:[0-9]+)?"'),
    ],
)
def test_the_host_of_an_address_is_a_pattern_in_quotes(address, pattern):
    assert host_pattern(address) == pattern


@pytest.mark.lab
def test_the_lab_s_own_host(lab: LabState):
    reader = PrometheusReader(lab.urls.prometheus)
    address = lab.instance("orders-1").address
    wait_until("two scrapes of the host", lambda: host(reader, address=address).busy is not None)
    found = host(reader, address=address)
    assert found.cores > 0
    assert 0 < found.available <= found.memory
    assert found.filesystems
    assert found.server_uptime
    assert found.buffer_pool
    assert found.server_running is not None
    assert host(reader, address='nobody"} or up{x="').known is False
