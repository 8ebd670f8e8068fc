"""The lab's commands as `firstmate --help` lists them, and the packages that they need.

This module imports nothing of the lab: the product runs without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import typer

from bot.errors import WrongUsage

PACKAGES = ("websockets", "mysql_mimic")
"""What the extra `lab` installs, by module name."""
LAB_HELP = "Starts, breaks and stops a lab: real MySQL, MariaDB or Vitess servers on this machine."
DEMO_HELP = "Breaks replication, or a schema change under Vitess, on real servers, and resolves it from Slack."

commands = typer.Typer()
"""Placeholders for the overview; `bot.cli.lab` has the commands themselves."""


@commands.command("demo", help=DEMO_HELP)
@commands.command("lab", help=LAB_HELP)
def _placeholder() -> None:
    raise WrongUsage("Put the name of the command first, as in `firstmate lab up`.")


def require_packages(packages: Sequence[str] = PACKAGES) -> None:
    """Raises WrongUsage with what to install where a package of the extra is missing."""
    if any(find_spec(package) is None for package in packages):
        raise WrongUsage("The lab and the demo need further packages; install them with: pip install 'firstmate[lab]'.")
