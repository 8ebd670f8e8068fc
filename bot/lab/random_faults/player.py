"""Plays scenarios: puts the faults in place, sends the alert, presses what is offered, and asks the victims."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pymysql

from bot.engine.run import Run, RunState
from bot.errors import FirstmateError, Unreachable
from bot.lab.fault_bench.observed_bot import ObservedBot
from bot.lab.random_faults.catalog import PRIMITIVES
from bot.lab.random_faults.judging import Judgement, Result, is_untrue, judge
from bot.lab.random_faults.primitives.replicas import await_replicas
from bot.lab.random_faults.scenario import Scenario
from bot.lab.random_faults.stage import Client, Stage
from bot.lab.random_faults.surroundings import BY_NAME
from bot.lab.random_faults.truth import Truth

AT_LEAST = {"long_query": 3.0, "slow": 3.0}
"""Symptom -> seconds that a fault must have lasted, because the thresholds of the alert are about time."""
GOOD_WITHIN = 10.0
"""Seconds for the victims to be well after the run has ended."""


@dataclass
class Player:
    """Plays scenarios on one lab with one bot, one after the other."""

    bot: ObservedBot

    def play(self, scenario: Scenario) -> Result:
        """Plays one scenario and cleans up; what cannot be played is a result, too."""
        result = Result(scenario.seed, scenario.index, scenario.faults[0].kind, scenario.title)
        stage = Stage(self.bot.state)
        began = time.monotonic()
        try:
            result = self._play(scenario, stage, result)
        except (FirstmateError, pymysql.err.MySQLError, OSError) as error:
            result = replace(result, failed=str(error))
        finally:
            result = self._clean_up(stage, scenario, result)
        return replace(result, seconds=round(time.monotonic() - began, 1))

    def _play(self, scenario: Scenario, stage: Stage, result: Result) -> Result:
        others: list[tuple[str, Client]] = []
        for part in (*scenario.settings, *scenario.decoys):
            others += [(part.on, each) for each in BY_NAME[part.kind].apply(stage, part)]
        truths, placed = [], []
        for fault in sorted(scenario.faults, key=lambda each: PRIMITIVES[each.kind].last):
            truths.append(PRIMITIVES[fault.kind].inject(stage, fault))
            placed.append(time.monotonic())
        ready = max(
            at + max(truth.age, AT_LEAST.get(scenario.alert.symptom, 0.0))
            for at, truth in zip(placed, truths, strict=True)
        )
        time.sleep(max(0.0, ready - time.monotonic()))
        started = datetime.now(UTC)
        labels = self._labels(scenario)
        runs = self.bot.send(labels, started)
        if not runs:
            raise Unreachable("The alert started no run, because another run for the same place is in progress.")
        try:
            return self._observe(scenario, stage, result, runs[0], truths, others)
        finally:
            self.bot.send(labels, started, "resolved")
            self.bot.wait_for_run(runs[0], lambda run: run.state.ended)

    def _labels(self, scenario: Scenario) -> dict[str, str]:
        alert = scenario.alert
        return {
            "alertname": alert.name,
            "instance": self.bot.state.instance(alert.on).address,
            "severity": "critical",
            "scenario": f"{scenario.seed}:{scenario.index}",
            **alert.labels,
        }

    def _observe(
        self,
        scenario: Scenario,
        stage: Stage,
        result: Result,
        run_id: str,
        truths: Sequence[Truth],
        others: Sequence[tuple[str, Client]],
    ) -> Result:
        run = self.bot.wait_for_run(run_id, lambda run: run.state is not RunState.TRIAGING)
        judged = judge(run, truths, scenario.alert.on, scenario.alert.symptom)
        result = replace(result, judged=judged)
        if run.plan is not None and run.state is RunState.WAITING:
            result = self._press(run, judged, result)
        hurt = next(filter(None, (each.unhurt() for each in truths)), "")
        gone = [each for on, each in others if not stage.is_alive(on, each)]
        if gone and not hurt:
            hurt = f"session {gone[0].thread_id} of {gone[0].user}, which disturbs nobody, was killed"
        return replace(result, hurt=hurt)

    def _press(self, run: Run, judged: Judgement, result: Result) -> Result:
        ended = self.bot.approve(run)
        helped = bool(judged.mends) and _await_good(judged.mends)
        return replace(
            result,
            pressed=True,
            helped=helped,
            ended=ended.state.value,
            ended_says=ended.says,
            untrue=is_untrue(ended, helped),
        )

    def _clean_up(self, stage: Stage, scenario: Scenario, result: Result) -> Result:
        try:
            stage.close()
            await_replicas(stage, scenario.flavour)
        except (FirstmateError, pymysql.err.MySQLError, OSError) as error:
            return replace(result, failed=f"{result.failed} It could not be cleaned up: {error}".strip())
        return result


def _await_good(truths: Sequence[Truth]) -> bool:
    deadline = time.monotonic() + GOOD_WITHIN
    while time.monotonic() < deadline:
        if all(each.good() for each in truths):
            return True
        time.sleep(0.1)
    return False
