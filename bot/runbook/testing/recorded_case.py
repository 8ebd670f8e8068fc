"""A recorded case: the evidence of one run as a test that can be replayed without a server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bot.errors import RunbookError
from bot.runbook.language.positioned_document import read
from bot.runbook.language.runbook_files import read_file
from bot.runbook.language.tests_schema import Test

HEAD = """\
# Recorded by `firstmate record`; host names and addresses are replaced, literals of statements are `?`.
# `firstmate test --replay` runs it. To keep it as a test, copy the keys below `recorded` to `tests:` of the runbook.
"""


class Case(Test):
    """A test with its runbook and the labels of the alert."""

    __test__ = False

    runbook: str
    recorded: str
    """The time of the recording, in UTC."""
    labels: Mapping[str, str] = {}
    """The labels of the alert."""


def read_case(path: Path) -> Case:
    """Reads a case; raises RunbookError with file, line and key."""
    document = read(read_file(path), str(path))
    if not isinstance(document.value, dict):
        raise RunbookError(f"{path}:1:1: A case is a mapping with the keys runbook, recorded, given and expect.")
    try:
        return Case.model_validate(document.value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        line, column = document.position(tuple(first["loc"]))
        raise RunbookError(f"{path}:{line}:{column}: Invalid value of {where}: {first['msg']}.") from error


def text_of(case: Mapping[str, Any]) -> str:
    """Returns the text of a case file."""
    return HEAD + yaml.safe_dump(dict(case), sort_keys=False, allow_unicode=True, width=110)
