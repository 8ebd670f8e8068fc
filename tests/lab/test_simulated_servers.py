"""Simulated servers answer like a replica, to Firstmate's sweep and to the bare loop."""

from __future__ import annotations

import pytest

from bot.lab.benchmarks import sweep
from bot.lab.simulated_servers import PASSWORD

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(sweep.PASSWORD_IN, PASSWORD)


def test_simulated_servers_are_healthy_replicas_and_dead_hosts_are_reported():
    with sweep.simulated_servers(5) as ports, sweep.dead_ports(refusing=2, silent=0) as dead:
        assert len(set(ports)) == 5
        sweep.bare_loop(ports)
        _, found = sweep.timed_sweep([*ports, *dead])
    [kin] = found.kin
    [group] = kin.groups
    assert (len(group.hosts), group.facts["receiver_running"], group.facts["applier_running"]) == (5, "Yes", "Yes")
    [silence] = found.silent
    assert len(silence.hosts) == 2
    assert "does not accept connections" in silence.reason


def test_simulated_servers_stop_with_their_parent():
    with sweep.simulated_servers(1) as ports:
        pass
    _, found = sweep.timed_sweep(ports)
    assert "does not accept connections" in found.silent[0].reason
