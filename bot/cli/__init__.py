"""The command `firstmate`, and the one place where an exception becomes a sentence and an exit code."""

from __future__ import annotations

import logging
import os
import sys
from importlib import import_module

import typer
from typer.exceptions import TyperException

from bot.cli.terminal import err
from bot.errors import Exit, FirstmateError

log = logging.getLogger(__name__)

MODULES = {
    "serve": "serving",
    "match": "match",
    "coverage": "coverage",
    "run": "runs",
    "plan": "runs",
    "sweep": "sweep",
    "lint": "lint",
    "test": "testing",
    "record": "recording",
    "schema": "schema",
    "actions": "actions",
    "doctor": "doctor",
    "demo": "lab",
    "lab": "lab",
}
"""Command -> its module here."""
GROUPS = {"audit": "audit", "policy": "policy", "incident": "incidents"}
"""Group of commands -> its module here."""
LISTED_BY = {"lab": "lab_extra"}
"""Module -> the one that stands for it in the overview, so that listing the commands does not load the lab."""


def command(first: str) -> typer.Typer:
    """The command line, of which only the module of the first word is loaded; all of them where it names none.

    The bot's own parts take a second to load, and nobody who lints a runbook should wait for them.
    """
    cli = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Incident triage and guarded runbook automation for MySQL and MariaDB fleets.",
    )
    known = {**MODULES, **GROUPS}
    # Without this a lone command would be run without its name.
    cli.callback()(_nothing)
    everything = (LISTED_BY.get(module, module) for module in known.values())
    for module in dict.fromkeys([known[first]] if first in known else everything):
        commands: typer.Typer = import_module(f"bot.cli.{module}").commands
        name = next((name for name, place in GROUPS.items() if place == module), None)
        cli.add_typer(commands, name=name)
    return cli


def _nothing() -> None:
    """Incident triage and guarded runbook automation for MySQL and MariaDB fleets."""


def main() -> None:
    """Runs the command and turns whatever ends it into a sentence and an exit code."""
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
        # The edge: a bug. The log has the traceback, a person gets one sentence.
        log.debug("a bug", exc_info=True)
        says = f"firstmate: a bug ({type(error).__name__}: {error}). Set FIRSTMATE_LOG=debug and report it."
        err.print(says, style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(Exit.BUG)
    sys.exit(code if isinstance(code, int) else Exit.DONE)


def _log_level() -> int:
    """The level that FIRSTMATE_LOG names: debug, info, warning (as without it) or error."""
    return logging.getLevelNamesMapping().get(os.environ.get("FIRSTMATE_LOG", "").upper(), logging.WARNING)
