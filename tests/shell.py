"""The command as a person runs it."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any
from unittest.mock import patch

from bot.cli.main import main


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def firstmate(*arguments: object) -> Said:
    """Runs `firstmate` with the arguments; a traceback is a failure."""
    out, err = StringIO(), StringIO()
    code = 0
    with patch.object(sys, "argv", ["firstmate", *map(str, arguments)]), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    said = Said(code, out.getvalue(), err.getvalue())
    assert "Traceback" not in said.out + said.err
    assert code != 3, said.err
    return said
