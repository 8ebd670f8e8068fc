"""Who may do what, by the settings."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field

from bot.config.base import Settings


class People(Settings):
    """Who holds a role: user ids and user groups of Slack."""

    users: tuple[str, ...] = ()
    usergroups: tuple[str, ...] = ()


class Narrower(People):
    """For these shards and risks, only these people hold the role."""

    role: Literal["operator", "approver"]
    shards: tuple[str, ...] = Field(default=("*",), min_length=1)
    """Patterns of names of shards, with `*` and `?`."""
    risks: tuple[Literal["reversible", "disruptive", "destructive"], ...] = ()
    """Of the plan; without any, whatever its risk. Who only asks has no plan yet."""

    def covers(self, role: str, shard: str, risk: str) -> bool:
        return (
            role == self.role
            and any(fnmatchcase(shard, pattern) for pattern in self.shards)
            and (not self.risks or risk in self.risks)
        )


class Roles(Settings):
    """The roles of people: operators ask for triage and runs, approvers approve changes, admins halt and resume.

    Who holds `break_glass` may override freeze and cooldown, with a reason that all can read.
    """

    operator: People = People()
    approver: People = People()
    admin: People = People()
    break_glass: People = People()
    only: tuple[Narrower, ...] = Field(default=(), max_length=200)
    """The first that covers a request decides."""

    def people(self, role: str, shard: str, risk: str) -> tuple[People, str]:
        """Who holds a role for such changes, and the key under which that is set."""
        for number, each in enumerate(self.only):
            if shard and each.covers(role, shard, risk):
                return each, f"roles.only[{number}]"
        people: People = getattr(self, role)
        return people, f"roles.{role}"
