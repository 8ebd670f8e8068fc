"""Results of the fault bench: one per fault, the totals, and whether the goals are met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

CAUSE_WITHIN = 3.0
"""The goal for the time from the alert to the cause, in seconds."""
FIRST_RIGHT = 0.95
"""The goal for the share of right leading causes."""


@dataclass(frozen=True)
class FaultResult:
    """The result of one fault on one flavour."""

    fault: str
    flavour: str
    expected: str
    causes: tuple[str, ...] = ()
    """All causes that applied, the leading one first."""
    cause_after: float | None = None
    """Seconds from the alert to the cause."""
    remedy_expected: str | None = None
    remedy: str | None = None
    """The remedy that was offered, or None."""
    says: str = ""
    """The run's own sentence, for example why nothing was offered."""
    mended: bool | None = None
    """Whether the remedy resolved the fault; None if none was expected."""
    harm: str = ""
    """What else was affected; empty if nothing was."""
    repaired: bool | None = None
    """Whether the run ended with what VTOrc repaired; None if that was not expected."""
    also: tuple[str, ...] = ()
    """Other causes that are right."""
    within: float = CAUSE_WITHIN
    """The goal for `cause_after`."""
    failed: str = ""
    """Why the fault could not be run; empty if it was."""

    @property
    def cause_right(self) -> bool:
        return bool(self.causes) and self.causes[0] in (self.expected, *self.also)

    @property
    def cause_among_first_three(self) -> bool:
        return bool({self.expected, *self.also} & {*self.causes[:3]})

    @property
    def remedy_right(self) -> bool:
        return self.remedy == self.remedy_expected

    @property
    def good(self) -> bool:
        return not self.failed and not self.differs

    @property
    def differs(self) -> str:
        """What differs from the expected result; empty if nothing does."""
        found = []
        if not self.cause_right:
            found.append(f"{next(iter(self.causes), 'no cause')} leads, not {self.expected}")
        if not self.remedy_right:
            found.append(
                f"{self.remedy or 'nothing'} is offered, not {self.remedy_expected or 'nothing'} ({self.says})"
            )
        if self.mended is False:
            found.append("it was not resolved")
        if self.repaired is False:
            found.append(f"the run does not say what VTOrc repaired ({self.says})")
        if self.cause_after is None or self.cause_after > self.within:
            found.append(f"the cause was not named within {self.within:g} s")
        return ", ".join([*found, *([self.harm] if self.harm else [])])


def totals(results: Sequence[FaultResult]) -> dict[str, float | int]:
    """Returns the totals of all results."""
    completed = [each for each in results if not each.failed]
    safe = [each for each in completed if each.remedy_expected is not None]
    times = sorted(each.cause_after for each in completed if each.cause_after is not None)
    return {
        "faults": len({each.fault.removesuffix("_mariadb") for each in results}),
        "played": len(completed),
        "failed": len(results) - len(completed),
        "first_cause_right": sum(each.cause_right for each in completed),
        "among_first_three": sum(each.cause_among_first_three for each in completed),
        "remedies_right": sum(each.remedy_right for each in completed),
        "wrong_offers": sum(each.remedy not in (None, each.remedy_expected) for each in completed),
        "safe_remedies": len(safe),
        "mended": sum(each.mended is True for each in safe),
        "harmful": sum(bool(each.harm) for each in completed),
        "slowest_cause": times[-1] if times else 0.0,
        "repaired_by_vtorc": sum(each.repaired is True for each in completed),
        "not_said_repaired": sum(each.repaired is False for each in completed),
        "over_3_s": sum(each.cause_after is not None and each.cause_after > each.within for each in completed),
    }


def goals_met(found: Mapping[str, float | int]) -> bool:
    """Returns whether the goals are met.

    The leading causes are right and in time, all expected remedies resolve their fault, nothing unexpected is offered,
    also not while VTOrc repairs, and nothing else is affected.
    """
    return (
        found["played"] > 0
        and found["failed"] == 0
        and found["first_cause_right"] >= FIRST_RIGHT * found["played"]
        and found["mended"] == found["safe_remedies"]
        and found["wrong_offers"] == 0
        and found["harmful"] == 0
        and found["not_said_repaired"] == 0
        and found["over_3_s"] == 0
    )


def print_results(results: Sequence[FaultResult], found: Mapping[str, float | int]) -> None:
    """Prints the results as a table, and the totals."""
    table = Table(box=None, header_style="bold")
    for column in ("fault", "flavour", "cause after", "leading cause", "remedy", "resolved", "harm"):
        table.add_column(column)
    for each in results:
        if each.failed:
            table.add_row(each.fault, each.flavour, "", f"not run: {each.failed}", "", "", "")
            continue
        lead = each.causes[0] if each.causes else "none"
        cause = lead if each.cause_right else f"WRONG {lead}, not {each.expected}"
        remedy = each.remedy or "none"
        remedy = remedy if each.remedy_right else f"WRONG {remedy}, not {each.remedy_expected or 'none'}"
        mended = {True: "yes", False: "NO", None: "-"}[each.mended if each.repaired is None else each.repaired]
        mended = f"{mended}, by VTOrc" if each.repaired else mended
        table.add_row(each.fault, each.flavour, f"{each.cause_after} s", cause, remedy, mended, each.harm or "none")
    console = Console(width=180, highlight=False, markup=False)
    console.print(table)
    for name, value in found.items():
        console.print(f"  {name.replace('_', ' '):<20} {value}")
    console.print("The goals are met." if goals_met(found) else "The goals are not met.")
