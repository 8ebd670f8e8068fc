"""The command `firstmate`, and the one place where an exception becomes a sentence and an exit code."""

from __future__ import annotations

import logging
import os
import sys

import typer
from typer.exceptions import TyperException

from bot.cli import audit, runs, serving
from bot.cli.terminal import err
from bot.errors import Exit, FirstmateError
from bot.lab import commands as lab_commands

log = logging.getLogger(__name__)

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Incident triage and guarded runbook automation for MySQL and MariaDB fleets.",
)
for group in (serving, runs):
    cli.add_typer(group.commands)
cli.add_typer(audit.commands, name="audit")
cli.add_typer(lab_commands.app, name="lab")


def main() -> None:
    """Runs the command and turns whatever ends it into a sentence and an exit code."""
    logging.basicConfig(level=_log_level(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        code = cli(standalone_mode=False)
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
