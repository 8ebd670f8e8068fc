"""Roles: which Slack users may request, approve, administer and override."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field

from bot.config.settings_base import Settings


class People(Settings):
    """The holders of a role."""

    users: tuple[str, ...] = ()
    """Slack user IDs, such as U0123456789."""
    usergroups: tuple[str, ...] = ()
    """IDs of Slack user groups, such as S0123456789; every member holds the role."""


class RoleRestriction(People):
    """Restricts a role to these people for some shards and risks."""

    role: Literal["operator", "approver"]
    """The role that is restricted."""
    shards: tuple[str, ...] = Field(default=("*",), min_length=1)
    """Patterns of shard names that the restriction covers; `*` and `?` are wildcards."""
    risks: tuple[Literal["reversible", "disruptive", "destructive"], ...] = ()
    """Risks of the plan that the restriction covers; empty covers every risk. A request without a plan, such as
    `/triage`, has no risk, so only an entry without `risks` covers it: `risks: [destructive]` does not restrict
    `/triage`."""

    def covers(self, role: str, shard: str, risk: str) -> bool:
        return (
            role == self.role
            and any(fnmatchcase(shard, pattern) for pattern in self.shards)
            and (not self.risks or risk in self.risks)
        )


class Roles(Settings):
    """Who holds which role. Nobody holds a role that is not configured."""

    operator: People = People()
    """People who may request triage, run runbooks, and take, pause, stop and retry runs."""
    approver: People = People()
    """People who may approve, deny and undo changes; nobody may approve a run that they started."""
    admin: People = People()
    """People who may halt and resume changes."""
    break_glass: People = People()
    """People who may override a freeze or a cooldown, with a reason that is posted to the thread."""
    only: tuple[RoleRestriction, ...] = Field(default=(), max_length=200)
    """Restrictions of a role for some shards and risks. For a request that an entry covers, only the people in the
    first such entry hold the role; the people under the role itself do not."""

    def people(self, role: str, shard: str, risk: str) -> tuple[People, str]:
        """Returns the holders of a role for a shard and a risk, and the key of firstmate.yml that names them."""
        for number, each in enumerate(self.only):
            if shard and each.covers(role, shard, risk):
                return each, f"roles.only[{number}]"
        people: People = getattr(self, role)
        return people, f"roles.{role}"
