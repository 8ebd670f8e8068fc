"""Simulated servers answer as a replica does, to Firstmate and to the bare loop that it is measured beside."""

from __future__ import annotations

import pytest

from bot.lab.benchmarks import sweep as bench_sweep
from bot.lab.simulated_servers import PASSWORD

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(bench_sweep.PASSWORD_IN, PASSWORD)


def test_they_are_replicas_that_are_well_and_who_refuses_is_told_beside_them():
    with bench_sweep.simulated(5) as ports, bench_sweep.unanswered(refusing=2, silent=0) as dead:
        assert len(set(ports)) == 5
        bench_sweep.bare(ports)
        _, found = bench_sweep.swept([*ports, *dead])
    [kin] = found.kin
    [group] = kin.groups
    assert (len(group.hosts), group.facts["receiver_running"], group.facts["applier_running"]) == (5, "Yes", "Yes")
    [silence] = found.silent
    assert len(silence.hosts) == 2
    assert "does not accept connections" in silence.reason


def test_they_end_with_the_one_who_started_them():
    with bench_sweep.simulated(1) as ports:
        pass
    _, found = bench_sweep.swept(ports)
    assert "does not accept connections" in found.silent[0].reason
