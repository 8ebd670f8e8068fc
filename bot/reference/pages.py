"""Fills in the generated parts of a page: what stands between `<!-- generated: NAME -->` and `<!-- end -->`. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from bot.config import Config
from bot.policy import Policy
from bot.reference.architecture_tables import folder_table, guard_table
from bot.reference.command_sections import command_sections
from bot.reference.metric_table import metric_table
from bot.reference.setting_sections import setting_sections

_MARK = re.compile(r"(<!-- generated: ([\w.-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

GENERATED: Mapping[str, Callable[[str], str]] = {
    "firstmate.yml": lambda page: setting_sections(Config, page, "config"),
    "policy.yml": lambda page: setting_sections(Policy, page, "policy"),
    "commands": lambda _: command_sections(),
    "metrics": lambda _: metric_table(),
    "folders": lambda _: folder_table(),
    "guards": lambda _: guard_table(),
}
"""Name of a part -> what generates it from the whole page."""


def filled(page: str) -> str:
    """Returns the page with every generated part as the code makes it now."""
    return _MARK.sub(lambda found: f"{found[1]}\n{GENERATED[found[2]](page)}\n\n{found[3]}", page)


def parts(page: str) -> list[str]:
    """Returns the names of the generated parts of a page, in order."""
    return [found[2] for found in _MARK.finditer(page)]
