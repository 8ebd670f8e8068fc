"""Who is the primary of a shard by what its servers say, and whether the inventory agrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, diagnostic
from actions.member_facts import member_facts
from actions.replication_graph import Member, MemberFacts
from actions.shard_contract import MemberAnswer, ShardMembers
from actions.shard_primary import MemberRole, ShardVerdict, Standing, primary_of


@dataclass(frozen=True, slots=True)
class ShardMember:
    """One member of the shard."""

    name: str = ""
    """Its name in the inventory."""
    address: str = ""
    """`host:port` in the inventory."""
    inventory_role: str = ""
    """Its role in the inventory."""
    role: MemberRole = "unknown"
    """Its role by what the servers say."""
    answers: bool = True
    """Whether it could be asked."""
    writable: bool = False
    """Whether read_only is off."""
    replicates: bool = False
    """Whether a receiver is running, or keeps trying to connect."""
    stopped: bool = False
    """Whether it is configured to replicate, but no receiver is running."""
    source: str = ""
    """`host:port` of its first source; '' if it is not configured to replicate."""
    missing: str = ""
    """Why it could not be asked."""


@dataclass(frozen=True, slots=True)
class ShardRoles:
    """The roles in a shard, by what its servers say."""

    standing: Standing = "unknown"
    """`named`: the primary is known; `several`: all members accept writes by design; `outside`: all members follow a
    server outside the shard; `ambiguous`: the servers contradict one another; `unknown`: not enough is known."""
    primary: str = ""
    """The name of the primary; '' unless it is named."""
    primary_writable: bool = False
    """Whether the named primary accepts writes."""
    reason: str = ""
    """Why this member is the primary, or why none is named."""
    disagreement: str = ""
    """How the inventory and the servers disagree, as sentences; '' if they agree."""
    members: tuple[ShardMember, ...] = ()
    """The members, in the order of the inventory."""
    answering: Count = 0
    """How many of them could be asked."""


@diagnostic(
    cost=Cost.LOW,
    needs={
        Flavour.MYSQL: ("PROCESS", "REPLICATION CLIENT", "SELECT ON performance_schema.*"),
        Flavour.MARIADB: ("PROCESS", "SLAVE MONITOR"),
    },
)
def shard_roles(members: ShardMembers) -> ShardRoles:
    """Asks all members of the shard who is writable and who replicates from whom, and names the primary.

    A source is matched with a member by server_uuid, by server_id in MariaDB, or by its address. The inventory decides
    nothing; it is compared with the result.
    """
    return judged(members.shard, members.ask(member_facts))


def judged(shard: str, answers: Sequence[MemberAnswer[MemberFacts]]) -> ShardRoles:
    """Returns the roles by these answers. Pure."""
    verdict = primary_of([Member(each.name, each.address, each.answer) for each in answers])
    primary = next((each.answer for each in answers if each.name == verdict.primary), None)
    return ShardRoles(
        standing=verdict.standing,
        primary=verdict.primary,
        primary_writable=primary is not None and primary.writable,
        reason=verdict.reason,
        disagreement=_disagreement(shard, answers, verdict),
        members=tuple(_member(each, verdict) for each in answers),
        answering=sum(each.answer is not None for each in answers),
    )


def _member(of: MemberAnswer[MemberFacts], verdict: ShardVerdict) -> ShardMember:
    facts = of.answer
    if facts is None:
        role: MemberRole = "primary" if of.name == verdict.primary else "unknown"
        return ShardMember(of.name, of.address, of.role, role, answers=False, missing=of.missing)
    return ShardMember(
        name=of.name,
        address=of.address,
        inventory_role=of.role,
        role=verdict.roles.get(of.name, "unknown"),
        writable=facts.writable,
        replicates=facts.follows,
        stopped=facts.stopped,
        source=facts.sources[0].address if facts.sources else "",
    )


def _disagreement(shard: str, answers: Sequence[MemberAnswer[MemberFacts]], verdict: ShardVerdict) -> str:
    declared = [each.name for each in answers if each.role == "primary"]
    named = " and ".join(declared) or "no member"
    if verdict.standing == "several" or (verdict.standing == "outside" and not declared):
        return ""
    if verdict.standing == "named":
        if declared == [verdict.primary]:
            return ""
        return (
            f"The inventory names {named} as the primary of {shard}, the servers name {verdict.primary}: "
            f"{verdict.reason}.{_of_declared(answers, declared)}"
        )
    if verdict.standing == "outside":
        return f"The inventory names {named} as the primary of {shard}, but {verdict.reason}."
    if verdict.standing == "ambiguous":
        return f"The servers of {shard} contradict one another about its primary: {verdict.reason}."
    return f"The primary of {shard} is unknown: {verdict.reason}."


def _of_declared(answers: Sequence[MemberAnswer[MemberFacts]], declared: Sequence[str]) -> str:
    """Says what the primary of the inventory is instead."""
    for each in answers:
        if each.name not in declared:
            continue
        if each.answer is None:
            return f" {each.name} does not answer."
        state = "accepts writes" if each.answer.writable else "is read-only"
        if each.answer.sources:
            replicates = "replicates" if each.answer.follows else "does not replicate any more"
            return f" {each.name} {state} and {replicates} from {each.answer.sources[0].address}."
        return f" {each.name} {state} and replicates from no server."
    return ""
