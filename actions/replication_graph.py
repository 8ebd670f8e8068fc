"""What the members of a shard say of themselves, and the graph of who follows whom. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from actions.replication_sources import Source

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Group:
    """The group (Group Replication) or cluster (Galera) of a server, as that server sees it."""

    id: str
    """The name of the group, or the UUID of the cluster's state."""
    state: str
    """The server's own state in it: ONLINE if it takes part."""
    primaries: tuple[str, ...] = ()
    """The server_uuid of each primary of the group."""
    all_write: bool = False
    """Whether every member accepts writes: a Galera cluster, or a group in multi-primary mode."""


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """What one server says of itself."""

    writable: bool
    """Whether read_only is off."""
    sources: tuple[Source, ...] = ()
    server_uuid: str = ""
    server_id: int = 0
    names: tuple[str, ...] = ()
    """`host:port` by which the server names itself: report_host, or its host name."""
    binlog_readers: int = 0
    group: Group | None = None

    @property
    def follows(self) -> bool:
        """Whether it replicates now, or keeps trying to."""
        return any(each.receiver_running for each in self.sources)

    @property
    def stopped(self) -> bool:
        """Whether it is configured to replicate, but no receiver is running."""
        return bool(self.sources) and not self.follows


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the shard; `facts` is None if it did not answer."""

    name: str
    address: str
    facts: MemberFacts | None


@dataclass(frozen=True)
class ReplicationGraph:
    """Who follows whom within a shard."""

    members: tuple[Member, ...]
    answered: Mapping[str, MemberFacts] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "answered", {each.name: each.facts for each in self.members if each.facts})

    @cached_property
    def followed(self) -> Mapping[str, Mapping[str, bool]]:
        """For each member that answers: the members that it follows, with whether it is connected to them."""
        found: dict[str, dict[str, bool]] = {name: {} for name in self.answered}
        for name, facts in self.answered.items():
            for source in facts.sources:
                of = self.member_of(source)
                if source.receiver_running and of and of != name:
                    found[name][of] = found[name].get(of, False) or source.connected
        return found

    @cached_property
    def outsiders(self) -> Mapping[str, tuple[str, ...]]:
        """The members that follow a server outside the shard, with its addresses."""
        found = {
            name: tuple(s.address for s in facts.sources if s.receiver_running and not self.member_of(s))
            for name, facts in self.answered.items()
        }
        return {name: addresses for name, addresses in found.items() if addresses}

    def followers(self, name: str) -> tuple[str, ...]:
        """Returns the members that follow a member directly."""
        return tuple(each for each, of in self.followed.items() if name in of)

    def member_of(self, source: Source) -> str:
        """Returns the member that is this source, or ''.

        A server_uuid identifies it, unless two members have the same one; then server_id (MariaDB has no server_uuid),
        then its address.
        """
        if source.server_uuid:
            same = [name for name, facts in self.answered.items() if facts.server_uuid == source.server_uuid]
            if len(same) == 1:
                return same[0]
        elif source.server_id and source.connected:
            same = [name for name, facts in self.answered.items() if facts.server_id == source.server_id]
            if len(same) == 1:
                return same[0]
        by_address = [each for each in self.members if _is_at(each, source)]
        if len(by_address) != 1:
            return ""
        facts = by_address[0].facts
        stranger = facts is not None and bool(facts.server_uuid) and source.server_uuid not in ("", facts.server_uuid)
        return "" if stranger and source.connected else by_address[0].name

    def reaches(self, name: str) -> frozenset[str]:
        """Returns the members that a member follows, directly or through others."""
        found: set[str] = set()
        open_ = list(self.followed.get(name, ()))
        while open_:
            each = open_.pop()
            if each not in found:
                found.add(each)
                open_ += self.followed.get(each, ())
        return frozenset(found)

    @cached_property
    def ends(self) -> tuple[frozenset[str], ...]:
        """Where the paths of replication end: a member that follows no member, or a ring of members."""
        reach = {each.name: self.reaches(each.name) for each in self.members}
        found: dict[frozenset[str], None] = {}
        for name, of in reach.items():
            if all(name in reach[each] for each in of):
                found[frozenset({name} | of)] = None
        return tuple(found)


def _is_at(member: Member, source: Source) -> bool:
    address = source.address.lower()
    if member.address.lower() == address:
        return True
    if source.host.lower() in _LOOPBACK or member.facts is None:
        return False
    return any(_same_host(each, address) for each in member.facts.names)


def _same_host(one: str, other: str) -> bool:
    """Whether two `host:port` name the same server, where one may lack the domain."""
    (host, _, port), (other_host, _, other_port) = one.lower().rpartition(":"), other.rpartition(":")
    short, long = sorted((host, other_host), key=len)
    return port == other_port and bool(short) and (long == short or long.startswith(f"{short}."))
