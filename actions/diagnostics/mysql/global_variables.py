"""The values of global variables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from actions.contract import Cost, Flavour, MySQL, Unreadable, diagnostic
from actions.status_counters import variables

_NAME = re.compile(r"[a-z][a-z0-9_.]{0,63}")


@dataclass(frozen=True, slots=True)
class GlobalVariables:
    """Variables by name, as text; a variable that the server does not have is absent."""

    values: dict[str, str] = field(default_factory=dict)
    """The values by name."""


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: (), Flavour.MARIADB: ()})
def global_variables(db: MySQL, *, names: tuple[str, ...]) -> GlobalVariables:
    """Reads the variables in `names` with SHOW GLOBAL VARIABLES; 50 names at most."""
    wrong = [name for name in names if not _NAME.fullmatch(name)]
    if wrong or not 0 < len(names) <= 50:
        raise Unreadable(f"Name 1 to 50 variables in lower case. Not a variable name: {', '.join(wrong) or 'none'}.")
    return GlobalVariables(variables(db, *names))
