"""All primitives by name."""

from __future__ import annotations

from collections.abc import Mapping

from bot.lab.random_faults.primitives import locks, replication, server_wide, waits
from bot.lab.random_faults.primitives.primitive import Primitive

PRIMITIVES: Mapping[str, Primitive] = {
    each.name: each
    for each in (
        *locks.primitives(),
        *waits.primitives(),
        *replication.primitives(),
        *server_wide.primitives(),
    )
}
