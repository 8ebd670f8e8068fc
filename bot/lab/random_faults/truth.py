"""What the bench knows of a fault that it made: its root, what mends it, and how its victims fare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True)
class Remedy:
    """A change that mends: an action with the parameters that it must have, each one of several."""

    action: str
    parameters: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def matches(self, action: str, parameters: Mapping[str, Any]) -> bool:
        """Returns whether a change is this one."""
        return action == self.action and all(
            _values(parameters.get(name, "")) <= allowed for name, allowed in self.parameters.items()
        )


def _values(given: object) -> frozenset[str]:
    """Returns the values of a parameter, which may be a list."""
    return frozenset(map(str, given)) if isinstance(given, list | tuple) else frozenset({str(given)})


@dataclass(frozen=True)
class Truth:
    """A fault in place. Causes are written as `mysql/blocked-writes:held_by_*`."""

    primitive: str
    instance: str
    symptoms: frozenset[str]
    """The symptoms that it explains; `ANY` if an alert that does not say what is wrong may be about it, too."""
    names: tuple[str, ...] = ()
    """Texts that tell its root from everything else: a cause whose sentence has one of them is right."""
    causes: tuple[str, ...] = ()
    """Causes that are right whatever their sentences name."""
    named: tuple[str, ...] = ()
    """Causes that are right if their sentences have `must_name`."""
    must_name: str = ""
    remedies: tuple[Remedy, ...] = ()
    """The changes that mend; none if a change can only do harm or nothing."""
    neutral: tuple[Remedy, ...] = ()
    """Changes that do not mend and do no harm."""
    offers: frozenset[str] = frozenset()
    """The symptoms for which a remedy is expected to be offered; for others it may be."""
    good: Callable[[], bool] = lambda: True
    """Whether its victims are well again: it looks at them, not at the server's own account."""
    unhurt: Callable[[], str] = lambda: ""
    """Who else was hurt, in words; '' if nobody was."""
    age: float = 6.0
    """Seconds that the fault must have lasted before the alert is sent; a holder counts as idle only after 5 s."""

    def about(self, symptom: str) -> bool:
        """Returns whether an alert about this symptom may be about this fault."""
        return symptom in self.symptoms

    def explains(self, cause: str, says: str) -> bool:
        """Returns whether a cause, with its sentence, is right for this fault."""
        if self.must_name in says and any(fnmatchcase(cause, each) for each in self.named):
            return True
        return any(fnmatchcase(cause, each) for each in self.causes) or any(name in says for name in self.names)

    def mended_by(self, action: str, parameters: Mapping[str, Any]) -> bool:
        """Returns whether a change mends it."""
        return any(each.matches(action, parameters) for each in self.remedies)

    def tolerates(self, action: str, parameters: Mapping[str, Any]) -> bool:
        """Returns whether a change does not mend it, but does no harm either."""
        return any(each.matches(action, parameters) for each in self.neutral)
