"""Loads the module of the command, and turns exceptions into a sentence and an exit code."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from importlib import import_module

import typer
from typer.exceptions import TyperException

from bot.cli.terminal import err
from bot.errors import Exit, FirstmateError

log = logging.getLogger(__name__)

MODULES = {
    "serve": "serve",
    "runbooks": "runbooks",
    "match": "match",
    "coverage": "coverage",
    "run": "run_and_plan",
    "plan": "run_and_plan",
    "sweep": "sweep",
    "lint": "lint",
    "test": "test",
    "record": "record",
    "schema": "schema",
    "actions": "actions",
    "doctor": "doctor",
    "demo": "lab",
    "lab": "lab",
}
"""Command -> its module in this package."""
GROUPS = {"audit": "audit", "policy": "policy", "incident": "incident"}
"""Group of commands -> its module in this package."""
LISTED_BY = {"lab": "lab_help"}
"""Module -> the module that replaces it in `firstmate --help`, which therefore does not load the lab."""


def command(first: str, listed_by: Mapping[str, str] = LISTED_BY) -> typer.Typer:
    """Builds the command line with the command or group called `first`; with all of them where it names none.

    Only the modules of these commands are loaded: the bot itself takes a second to load, which `lint` does not need.
    With an empty `listed_by`, the lab's commands are loaded, too, with their subcommands and options.
    """
    cli = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Incident triage and guarded runbook automation for MySQL, MariaDB and Vitess fleets.",
    )
    known = {**MODULES, **GROUPS}
    # Without a callback Typer would run a single command without its name.
    cli.callback()(_nothing)
    everything = (listed_by.get(module, module) for module in known.values())
    for module in dict.fromkeys([known[first]] if first in known else everything):
        commands: typer.Typer = import_module(f"bot.cli.{module}").commands
        name = next((name for name, place in GROUPS.items() if place == module), None)
        cli.add_typer(commands, name=name)
    return cli


def _nothing() -> None:
    """Incident triage and guarded runbook automation for MySQL, MariaDB and Vitess fleets."""


def main() -> None:
    """Runs the command, prints an error as one sentence, and exits with the code of `bot.errors.Exit`."""
    logging.basicConfig(level=_log_level(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        code = command(next((word for word in sys.argv[1:] if word != "--"), ""))(standalone_mode=False)
    except FirstmateError as error:
        err.print(f"firstmate: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except TyperException as error:
        says = f"firstmate: {error.format_message()} Try firstmate --help."
        err.print(says, style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(Exit.USAGE)
    except (typer.Abort, KeyboardInterrupt):
        err.print("firstmate: interrupted.", style="yellow")
        sys.exit(Exit.INTERRUPTED)
    except Exception as error:
        # Anything else is a bug: the traceback goes to the log, one sentence to the terminal.
        log.debug("internal error", exc_info=True)
        says = (
            f"firstmate: internal error ({type(error).__name__}: {error}). "
            "Run the command again with FIRSTMATE_LOG=debug, remove host names and other private data from the output, "
            "and report it in the issue tracker of Firstmate."
        )
        err.print(says, style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(Exit.BUG)
    sys.exit(code if isinstance(code, int) else Exit.DONE)


def _log_level() -> int:
    """Returns the log level that FIRSTMATE_LOG names: debug, info, warning (the default) or error."""
    return logging.getLevelNamesMapping().get(os.environ.get("FIRSTMATE_LOG", "").upper(), logging.WARNING)
