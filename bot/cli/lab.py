"""The commands of the lab."""

from bot.lab.commands import app as commands

__all__ = ["commands"]
