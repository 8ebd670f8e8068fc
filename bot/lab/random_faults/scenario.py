"""A scenario of the random faults: which faults, settings and decoys on which servers, and the alert; no I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, TypeAlias

Flavour: TypeAlias = Literal["mysql", "mariadb"]
FLAVOURS: tuple[Flavour, ...] = ("mysql", "mariadb")
Value: TypeAlias = str | int | bool
ANY = ""
"""The symptom of an alert that says nothing about what is wrong."""


@dataclass(frozen=True, slots=True)
class Part:
    """A fault, a setting or a decoy on one server, with what was drawn for it."""

    kind: str
    """The name of the primitive, the setting or the decoy."""
    on: str
    """The instance."""
    values: Mapping[str, Value] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """Returns a value as text."""
        return str(self.values.get(name, default))

    def number(self, name: str, default: int = 0) -> int:
        """Returns a value as a number."""
        return int(self.values.get(name, default))

    def flag(self, name: str) -> bool:
        """Returns whether a value is set."""
        return bool(self.values.get(name, False))


@dataclass(frozen=True, slots=True)
class AlertPart:
    """The alert that is sent: its name, the server that it names, and its further labels."""

    name: str
    on: str
    symptom: str
    """What the alert is about, see `symptoms`; `ANY` for an alert that does not say."""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One to three faults at the same time, and what surrounds them."""

    seed: int
    index: int
    flavour: Flavour
    faults: tuple[Part, ...]
    """The first one is what the alert is about."""
    alert: AlertPart
    settings: tuple[Part, ...] = ()
    decoys: tuple[Part, ...] = ()

    @property
    def title(self) -> str:
        """A line such as `mysql  row_idle on orders-1 (40 victims)`."""
        named = " + ".join(_shown(each) for each in self.faults)
        beside = [each.kind for each in (*self.settings, *self.decoys)]
        return f"{self.flavour:<7} {named}  [{self.alert.name}]" + (f"  beside {', '.join(beside)}" if beside else "")

    @property
    def parts(self) -> int:
        """How many parts it has, the alert not counted."""
        return len(self.faults) + len(self.settings) + len(self.decoys)


def _shown(part: Part) -> str:
    victims = part.number("victims")
    return f"{part.kind} on {part.on}" + (f" ({victims} victims)" if victims else "")


def smaller(scenario: Scenario) -> list[Scenario]:
    """Returns the scenarios with one part less, or with one victim instead of many.

    The fault that the alert is about is kept: without it, it would be another scenario.
    """
    found = []
    for name, parts in (("decoys", scenario.decoys), ("settings", scenario.settings), ("faults", scenario.faults)):
        for number in range(1 if name == "faults" else 0, len(parts)):
            found.append(_with(scenario, name, (*parts[:number], *parts[number + 1 :])))
    for number, fault in enumerate(scenario.faults):
        for name, fewest in (("victims", 1), ("bystanders", 0), ("second", 0)):
            if fault.number(name) > fewest and not fault.text("channel"):
                less = replace(fault, values={**fault.values, name: fewest})
                found.append(
                    replace(scenario, faults=(*scenario.faults[:number], less, *scenario.faults[number + 1 :]))
                )
    return found


def _with(scenario: Scenario, name: str, parts: tuple[Part, ...]) -> Scenario:
    if name == "faults":
        return replace(scenario, faults=parts)
    return replace(scenario, settings=parts) if name == "settings" else replace(scenario, decoys=parts)


def encode(scenario: Scenario) -> str:
    """Returns the scenario as JSON."""
    return json.dumps(asdict(scenario), indent=2, sort_keys=True) + "\n"


def decode(text: str) -> Scenario:
    """Returns the scenario of a JSON text; raises KeyError or ValueError if it is none."""
    found: dict[str, Any] = json.loads(text)
    return Scenario(
        **{
            **found,
            "faults": tuple(Part(**each) for each in found["faults"]),
            "settings": tuple(Part(**each) for each in found["settings"]),
            "decoys": tuple(Part(**each) for each in found["decoys"]),
            "alert": AlertPart(**found["alert"]),
        }
    )
