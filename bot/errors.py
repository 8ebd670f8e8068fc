"""The exceptions of Firstmate, one tree.

    FirstmateError            something a person can act on; the sentence says what, where, and what to do next
    ├── WrongUsage            the command, file or request does not fit            exit 2, HTTP 4xx
    │   ├── ConfigError       firstmate.yml or a secret it names
    │   ├── RunbookError      a runbook file, with file and line
    │   └── UnknownTarget     no such instance in the inventory
    ├── Unreachable           a server, Prometheus or Slack is not there             exit 1
    │   └── StoreDown         the store does not take or tell it; nothing was stored
    ├── NotAllowed            a guard or the authorisation said no                   exit 1
    │   └── UnknownRun        no such run in the store
    └── Busy                  somebody else holds it                                 exit 1

`bot.cli.main` turns them into exit codes, `bot.slack.error_replies` into ephemeral replies, `bot.intake.http_app` into
status codes. Anything else is a bug: exit 3, recorded with its traceback in the log, and told in one sentence.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    FOUND = 1
    USAGE = 2
    BUG = 3
    INTERRUPTED = 130


class FirstmateError(Exception):
    """Something a person can act on."""

    exit_code = Exit.FOUND


class WrongUsage(FirstmateError):
    """The command, file or request does not fit."""

    exit_code = Exit.USAGE


class ConfigError(WrongUsage):
    """The configuration, or a secret that it names, cannot be used."""


class RunbookError(WrongUsage):
    """A runbook file cannot be used; the sentence begins with file:line."""


class UnknownTarget(WrongUsage):
    """The inventory holds no such instance."""


class Unreachable(FirstmateError):
    """A server or service that is needed does not answer."""


class StoreDown(Unreachable):
    """The store does not answer, is full or is held too long; nothing of the transaction was stored."""


class NotAllowed(FirstmateError):
    """A guard or the authorisation said no."""


class UnknownRun(NotAllowed):
    """The store holds no such run."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"There is no run {run_id}; its records may have been deleted.")


class Busy(FirstmateError):
    """Somebody else holds what is needed."""
