"""Runs `firstmate ARGUMENTS` as if no extra were installed, or imports a module: `--import NAME`.

The last line of standard output is a JSON document: the exit code, where the package `bot` was found, and which
modules of the lab were loaded. It imports nothing of Firstmate or of the tests before the extras are hidden.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

EXTRAS = ("websockets", "mysql_mimic", "grpc", "grpc_reflection")
"""The packages of every extra, by module name."""


class Hiding(MetaPathFinder):
    """A finder that does not find the packages of the extras."""

    def __init__(self, finder: MetaPathFinder) -> None:
        self._finder = finder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Returns the module's spec; None for a package of an extra."""
        return None if fullname.partition(".")[0] in EXTRAS else self._finder.find_spec(fullname, path, target)


def main(arguments: list[str]) -> None:
    """Runs the command or the import, and prints what came of it."""
    sys.meta_path = [Hiding(finder) for finder in sys.meta_path]  # type: ignore[arg-type]
    code: object = 0
    if arguments[:1] == ["--import"]:
        import_module(arguments[1])
    else:
        sys.argv = ["firstmate", *arguments]
        try:
            import_module("bot.cli.main").main()
        except SystemExit as ended:
            code = ended.code
    loaded = sorted(name for name in sys.modules if f"{name}.".startswith("bot.lab."))
    print(f"\n{json.dumps({'code': code, 'bot': sys.modules['bot'].__file__, 'lab': loaded})}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
