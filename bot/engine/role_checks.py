"""Checks the roles of people before they command something, and audits the roles that were used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.engine.ports import Directory, Store
from bot.errors import NotAllowed


@dataclass(frozen=True, slots=True)
class RoleChecks:
    """Requires roles of bot.config.Roles; every method raises NotAllowed with the reason."""

    directory: Directory
    store: Store

    def require(self, user: str, role: str, *, shard: str = "", risk: str = "", fresh: bool = False) -> str:
        """Requires a role, for changes of this shard and risk where they are named; with `fresh`, past every cache.

        Returns the directory's sentence about the role.
        """
        may, says = self.directory.may(user, role, shard=shard, risk=risk, fresh=fresh)
        if not may:
            raise NotAllowed(says)
        self.store.audit("role.held", actor=user, subject=role, says=says, shard=shard, risk=risk)
        return says

    def require_operator(self, user: str, shard: str = "") -> None:
        """Requires an operator, of this shard where one is named."""
        self.require(user, "operator", shard=shard)

    def require_operator_of_all(self, user: str, shards: Sequence[str]) -> None:
        """Requires an operator of each of these shards; the check of all of them is one event of the audit log."""
        says = ""
        for shard in shards:
            may, says = self.directory.may(user, "operator", shard=shard)
            if not may:
                raise NotAllowed(says)
        self.store.audit("role.held", actor=user, subject="operator", says=says, shards=list(shards))
