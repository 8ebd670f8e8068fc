"""What a primitive is: a fault that can be drawn at random, put in place, and judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from bot.lab.random_faults.scenario import Flavour, Part, Value
from bot.lab.random_faults.stage import Stage
from bot.lab.random_faults.truth import Truth

Values = dict[str, Value]
BOTH: tuple[Flavour, ...] = ("mysql", "mariadb")
WHOLE_SERVER = "server"
"""The claim of a fault that leaves no room for another one on its server."""
REPLICATION = "replication"


def nothing_drawn(_random: Random) -> Values:
    """Draws nothing."""
    return {}


@dataclass(frozen=True)
class Primitive:
    """A kind of fault."""

    name: str
    role: str
    """`primary` or `replica`: where it is put in place."""
    symptoms: frozenset[str]
    """What alerts about it may be about."""
    inject: Callable[[Stage, Part], Truth]
    """Puts it in place and returns when it shows."""
    draw: Callable[[Random], Values] = nothing_drawn
    flavours: tuple[Flavour, ...] = BOTH
    claims: frozenset[str] = frozenset()
    """What it takes up on its server: two faults with the same claim exclude each other."""
    weight: float = 1.0
    """How often it is drawn, compared with others."""
    last: bool = False
    """Whether it is put in place after the others, because it would stop them."""
    alone: bool = False
    """Whether no other fault may be in place in the shard."""
