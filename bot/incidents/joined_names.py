"""Which alerts have joined a run under way, as its card names them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

MOST_JOINED = 20
"""Names of joined alerts that a card shows beside its own."""


def joined_names(own: str, joined: Sequence[str], new: str) -> tuple[str, ...] | None:
    """Returns the names of the alerts that have joined a run once `new` joins it, or None when its card stays as it is.

    A card names each alert once, and at most MOST_JOINED of them.
    """
    if new == own or new in joined or len(joined) >= MOST_JOINED:
        return None
    return (*joined, new)
