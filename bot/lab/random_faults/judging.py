"""Judges a run against what the bench knows of the faults; no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.engine.plan import Plan
from bot.engine.run import Run, RunState
from bot.lab.random_faults.truth import Truth


@dataclass(frozen=True)
class Judgement:
    """What a run found and offered, before anything is pressed."""

    lead: str = ""
    """The first cause, as `runbook:cause`."""
    says: str = ""
    run_says: str = ""
    """The run's own sentence, such as why nothing is offered."""
    first_right: bool = False
    among_three: bool = False
    remedy: str = ""
    """The first change that is offered, as `action(target)`; '' for none."""
    remedy_right: bool = True
    """Whether a change that mends is offered where one is expected, and none that does not mend."""
    harm: str = ""
    """Why what is offered would do harm; '' if it would not."""
    mends: tuple[Truth, ...] = ()
    """The faults that the offered change mends."""


def judge(run: Run, truths: Sequence[Truth], on: str, symptom: str) -> Judgement:
    """Returns how right a run is. Only faults of the alert's server that its symptom can come from are explanations."""
    here = [each for each in truths if each.instance == on and each.about(symptom)]
    held = [cause for cause in run.causes if cause.verdict == "holds"]
    right = [any(truth.explains(f"{run.runbook}:{cause.id}", cause.says) for truth in here) for cause in held]
    offered, mends, harm = _offered(run.plan, truths)
    expected = any(symptom in each.offers for each in here)
    return Judgement(
        lead=f"{run.runbook or 'no runbook'}:{held[0].id if held else 'no cause'}",
        says=held[0].says if held else run.says,
        run_says=run.says,
        first_right=bool(right) and right[0],
        among_three=any(right[:3]),
        remedy=offered,
        remedy_right=not harm and bool(mends) if offered else not expected,
        harm=harm,
        mends=mends,
    )


def _offered(plan: Plan | None, truths: Sequence[Truth]) -> tuple[str, tuple[Truth, ...], str]:
    """Returns the first offered change, the faults that the plan mends, and why it would do harm."""
    if plan is None:
        return "", (), ""
    mends: list[Truth] = []
    harm = ""
    for change in plan.changes:
        on_it = [each for each in truths if each.instance == change.target]
        mended = [each for each in on_it if each.mended_by(change.action, change.parameters)]
        mends += [each for each in mended if each not in mends]
        if not mended and not any(each.tolerates(change.action, change.parameters) for each in on_it):
            given = ", ".join(
                f"{name}={value}" for name, value in change.parameters.items() if value not in ("", False)
            )
            harm = harm or f"{change.action} on {change.target} mends nothing there ({given[:160]})"
    first = plan.changes[0]
    return f"{first.action} on {first.target}", tuple(mends), harm


@dataclass(frozen=True)
class Result:
    """The result of one scenario."""

    seed: int
    index: int
    primitive: str
    """The fault that the alert is about."""
    title: str
    judged: Judgement = Judgement()
    pressed: bool = False
    helped: bool = False
    """Whether the victims of what was mended are well; measured at the victims."""
    ended: str = ""
    """The state in which the run ended after the remedy was pressed."""
    ended_says: str = ""
    untrue: bool = False
    """Whether the run ended as mended while the victims still waited."""
    hurt: str = ""
    """Who else was hurt."""
    failed: str = ""
    """Why the scenario could not be played."""
    seconds: float = 0.0

    @property
    def harm(self) -> str:
        """What is or would be harmed; '' for nothing."""
        return self.judged.harm or self.hurt

    @property
    def wrong(self) -> dict[str, str]:
        """What is wrong with the run, by kind, each in words; nothing if it is good."""
        if self.failed:
            return {"not played": self.failed}
        found = {}
        if not self.judged.first_right:
            found["first cause"] = f"{self.judged.lead} leads"
        if not self.judged.remedy_right and not self.judged.harm:
            found["remedy"] = f"{self.judged.remedy or 'nothing'} is offered"
        if self.pressed and not self.helped:
            found["helped"] = f"what was pressed did not help, and the run ended as {self.ended}"
        if self.untrue:
            found["untrue"] = "mended is untrue"
        if self.harm:
            found["harm"] = f"harm: {self.harm}"
        return found


def is_untrue(run: Run, helped: bool) -> bool:
    """Returns whether a run that has ended says that it mended what it did not."""
    return run.state is RunState.MENDED and not helped
