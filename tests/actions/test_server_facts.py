"""docs/server-facts.md names code that is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_file_that_the_page_names_exists():
    page = (ROOT / "docs" / "server-facts.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+\.py)`", page))
    assert len(named) > 10
    assert [each for each in sorted(named) if not (ROOT / each).is_file()] == []
