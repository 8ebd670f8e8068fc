"""mysql.workloads: which workloads take the time, where Slack's instrumentation is installed (recorded answers)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from actions.contract import Row
from actions.diagnostics.mysql.workloads import MOST_READ, Workloads, WorkloadUse, workloads
from bot.lab.lab_state import LabInstance, LabState
from tests.actions.hands import reader
from tests.recorded import MYSQL_80, MYSQL_97, Recorded

PLUGIN = ("WORKLOAD_NAME", "COUNT_STAR", "SUM_TIMER_WAIT", "SUM_ROWS_EXAMINED", "SUM_ROWS_AFFECTED")
COMPONENT = ("WORKLOAD", "COUNT_QUERIES", "SUM_ROWS_EXAMINED", "SUM_ROWS_SENT", "SUM_ROWS_AFFECTED", "SUM_DURATION_US")


def row(name: str, queries: int, time: int, examined: int = 0, affected: int = 0) -> Row:
    return {"workload": name, "queries": queries, "time": time, "examined": examined, "affected": affected}


class Sampled(Recorded):
    """A server whose table changes while the diagnostic pauses."""

    def __init__(self, version, columns: Sequence[str], before: Sequence[Row], after: Sequence[Row]) -> None:
        super().__init__(version, {"COLUMN_NAME": [{"name": each} for each in columns], "ORDER BY": before})
        self.after = after

    def pause(self, seconds: float) -> None:
        super().pause(seconds)
        self.answers["ORDER BY"] = self.after


@pytest.mark.parametrize(
    ("version", "columns", "second"),
    [(MYSQL_80, PLUGIN, 10**12), (MYSQL_97, COMPONENT, 10**6)],
    ids=["plugin", "component"],
)
def test_what_each_workload_took_between_two_samples(version, columns, second):
    before = [row("job:purge", 100, 50 * second, 1000), row("__UNSPECIFIED__", 10, second)]
    after = [
        row("job:purge", 104, 53 * second, 91_000, 40),
        row("__UNSPECIFIED__", 10, second),
        row("api/send", 7, second),
    ]
    db = Sampled(version, columns, before, after)
    assert workloads(db) == Workloads(
        installed=True,
        over=1.0,
        time=4.0,
        workloads=(
            WorkloadUse("job:purge", 4, 3.0, 75.0, 90_000, 40),
            WorkloadUse("api/send", 7, 1.0, 25.0, 0, 0),
        ),
    )
    assert db.paused == 1.0


def test_what_may_be_older_than_a_sample_that_was_cut_does_not_count():
    before = [row(f"w{number:04}", 1, 10**9) for number in range(MOST_READ)]
    found = workloads(Sampled(MYSQL_97, COMPONENT, before, [row("late", 500, 10**9), *before]))
    assert (found.workloads, found.complete) == ((), False)


def test_a_name_is_text_from_outside():
    found = workloads(Sampled(MYSQL_97, COMPONENT, [], [row("<!channel> *x*", 1, 10**6)]))
    assert found.workloads[0].workload == "channel-x"


@pytest.mark.parametrize("columns", [(), ("SOMETHING",)])
def test_where_it_is_not_installed_nothing_is_claimed(columns):
    db = Sampled(MYSQL_97, columns, [], [])
    assert workloads(db) == Workloads()
    assert len(db.asked) == 1


@pytest.mark.lab
def test_on_real_servers_it_is_not_installed(notes: LabState, primary: LabInstance):
    with reader(notes, primary) as db:
        assert workloads(db) == Workloads()
