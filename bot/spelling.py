"""Suggestions for misspelt names. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

MOST = 3
"""The most names that are suggested."""


def closest_match(name: str, names: Iterable[str]) -> str | None:
    """Returns the name that is closest to a misspelt one; None if no name is close."""
    found = get_close_matches(name[:100], [str(each) for each in names], n=1, cutoff=0.6)
    return found[0] if found else None


def close_matches(name: str, names: Iterable[str]) -> list[str]:
    """Returns up to 3 names that are close to a misspelt one, or contain it, or that it contains; the closest first.

    `replication-lag` finds `mysql/replication-lag`, and `lag` finds `replication_lag`.
    """
    wanted, known = name[:100].lower(), [str(each) for each in names]
    last = {each: each.rpartition("/")[2].rpartition(".")[2].lower() for each in known}
    close = get_close_matches(wanted, known, n=MOST, cutoff=0.6)
    alike = get_close_matches(wanted.rpartition("/")[2], [*last.values()], n=MOST, cutoff=0.7)
    close += [each for part in alike for each in known if last[each] == part]
    if len(wanted) >= 3:
        close += sorted((each for each in known if wanted in each or last[each] in wanted), key=len)
    return [*dict.fromkeys(close)][:MOST]


def or_list(words: Iterable[str]) -> str:
    """Joins words for a sentence: `a`, `a or b`, `a, b or c`."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last
