"""Decides which member of a shard is its primary, from what the servers say. Pure.

The primary is the member that accepts writes and that the others follow. What the inventory says has no part in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from actions.replication_graph import Member, ReplicationGraph

Standing: TypeAlias = Literal["named", "several", "outside", "ambiguous", "unknown"]
MemberRole: TypeAlias = Literal["primary", "replica", "unknown"]


@dataclass(frozen=True, slots=True)
class ShardVerdict:
    """Who the primary of a shard is."""

    standing: Standing
    """`named`: there is exactly one; `several`: every member of the group or cluster accepts writes; `outside`: all
    members follow a server outside the shard; `ambiguous`: the servers contradict one another; `unknown`: what is known
    does not suffice."""
    primary: str
    """The name of the primary; '' unless it is `named`."""
    reason: str
    """Why, as a clause without a full stop."""
    roles: Mapping[str, MemberRole]
    """The role of each member, by name."""


def primary_of(members: Sequence[Member]) -> ShardVerdict:
    """Returns the primary of a shard, or why it cannot be named."""
    graph = ReplicationGraph(tuple(members))
    if not graph.answered:
        return _verdict(graph, "unknown", "", "no member answers")
    return _of_group(graph) or _of_graph(graph)


def _of_group(graph: ReplicationGraph) -> ShardVerdict | None:
    """Decides for Group Replication and Galera; None if no member takes part in a group."""
    taking_part = {n: f.group for n, f in graph.answered.items() if f.group is not None and f.group.state == "ONLINE"}
    if not taking_part:
        return None
    if len({each.id for each in taking_part.values()}) > 1:
        return _verdict(graph, "ambiguous", "", f"{_and(taking_part)} are in different groups")
    if all(each.all_write for each in taking_part.values()):
        roles: dict[str, MemberRole] = {n: "primary" if n in taking_part else "unknown" for n in graph.answered}
        return ShardVerdict("several", "", f"every member of its group accepts writes ({_and(taking_part)})", roles)
    seen = {uuid for each in taking_part.values() for uuid in each.primaries}
    primaries = [name for name, facts in graph.answered.items() if facts.server_uuid in seen]
    if len(seen) == 1 and len(primaries) == 1 and primaries[0] in taking_part:
        roles = {
            n: "primary" if n == primaries[0] else "replica" if n in taking_part else "unknown" for n in graph.answered
        }
        return ShardVerdict("named", primaries[0], "it is the primary of the group", roles)
    if len(seen) > 1:
        return _verdict(graph, "ambiguous", "", f"the members of the group name {len(seen)} primaries")
    return _verdict(graph, "unknown", "", "the primary of the group does not answer")


def _of_graph(graph: ReplicationGraph) -> ShardVerdict:
    """Decides by who follows whom, and who is writable."""
    leaders = []
    for end in graph.ends:
        writable = [name for name in sorted(end) if name in graph.answered and graph.answered[name].writable]
        if len(end) > 1 and len(writable) != 1:
            says = "all of them accept writes" if writable else "none of them accepts writes"
            return _verdict(graph, "ambiguous", "", f"{_and(sorted(end))} replicate from one another, and {says}")
        leaders.append(writable[0] if len(end) > 1 else next(iter(end)))
    writing = [name for name in leaders if name in graph.answered and graph.answered[name].writable]
    sources = [name for name in leaders if name not in writing and graph.followers(name)]
    if len(writing) > 1:
        told = " and ".join(f"{name} ({_replication(graph, name)})" for name in writing)
        return _verdict(
            graph, "ambiguous", "", f"{len(writing)} members accept writes and follow no other member: {told}"
        )
    if writing:
        return _of_one_writer(graph, writing[0], sources)
    return _without_writer(graph, sources)


def _of_one_writer(graph: ReplicationGraph, writer: str, sources: Sequence[str]) -> ShardVerdict:
    if sources:
        told = "; ".join(
            f"{_and(graph.followers(s))} {_follow(graph.followers(s))} {_known(graph, s)}" for s in sources
        )
        return _verdict(graph, "ambiguous", "", f"{writer} accepts writes, but {told}")
    followers = graph.followers(writer)
    strangers = {name: of for name, of in graph.outsiders.items() if name != writer}
    if strangers and not followers:
        stranger = next(iter(strangers.values()))[0]
        return _verdict(
            graph,
            "ambiguous",
            "",
            f"{writer} accepts writes, but {_and(strangers)} {_follow(strangers)} {stranger}, which is not a member of "
            "the shard",
        )
    if followers:
        return _verdict(graph, "named", writer, f"it accepts writes, and {_and(followers)} {_follow(followers)} it")
    return _verdict(
        graph, "named", writer, "it is the only member that accepts writes, and no member follows another one"
    )


def _without_writer(graph: ReplicationGraph, sources: Sequence[str]) -> ShardVerdict:
    if len(sources) > 1:
        told = " and ".join(f"{_and(graph.followers(s))} {_follow(graph.followers(s))} {s}" for s in sources)
        return _verdict(graph, "ambiguous", "", told)
    if sources:
        return _of_one_source(graph, sources[0])
    if len(graph.outsiders) == len(graph.answered):
        name, of = next(iter(graph.outsiders.items()))
        return _verdict(graph, "outside", "", f"{name} replicates from {of[0]}, which is not a member of the shard")
    if len(graph.members) == 1 and not next(iter(graph.answered.values())).sources:
        return _verdict(graph, "named", next(iter(graph.answered)), "it is the only member")
    return _verdict(graph, "unknown", "", "no member accepts writes, and no member follows another one")


def _of_one_source(graph: ReplicationGraph, source: str) -> ShardVerdict:
    followers = graph.followers(source)
    writable = [name for name, facts in graph.answered.items() if facts.writable]
    told = f"{_and(followers)} {_follow(followers)} {_known(graph, source)}"
    if writable:
        standing: Standing = "ambiguous" if source in graph.answered else "unknown"
        return _verdict(
            graph, standing, "", f"{told}, but {_and(writable)} {'accepts' if len(writable) == 1 else 'accept'} writes"
        )
    if source in graph.answered:
        if graph.answered[source].follows:
            return _verdict(
                graph,
                "outside",
                "",
                f"{source} replicates from {graph.outsiders[source][0]}, which is not a member of the shard",
            )
        return _verdict(graph, "named", source, f"{_and(followers)} {_follow(followers)} it; it is read-only")
    if all(graph.followed[name][source] for name in followers):
        return _verdict(graph, "named", source, f"it does not answer, but {_and(followers)} {_follow(followers)} it")
    return _verdict(graph, "unknown", "", f"{told}, and {_and(followers)} cannot connect to it either")


def _verdict(graph: ReplicationGraph, standing: Standing, primary: str, reason: str) -> ShardVerdict:
    return ShardVerdict(standing, primary, reason, {name: _role(graph, name, primary) for name in graph.answered})


def _role(graph: ReplicationGraph, name: str, primary: str) -> MemberRole:
    facts = graph.answered[name]
    if name == primary:
        return "primary"
    if facts.follows or (facts.stopped and not facts.writable):
        return "replica"
    return "unknown"


def _known(graph: ReplicationGraph, name: str) -> str:
    return f"{name}, which is read-only" if name in graph.answered else f"{name}, which does not answer"


def _replication(graph: ReplicationGraph, name: str) -> str:
    facts = graph.answered[name]
    if facts.stopped:
        return f"its replication from {facts.sources[0].address} is stopped"
    followers = graph.followers(name)
    return f"followed by {_and(followers)}" if followers else "no member follows it"


def _follow(names: Sequence[str] | Mapping[str, object]) -> str:
    return "follows" if len(names) == 1 else "follow"


def _and(names: Sequence[str] | Mapping[str, object]) -> str:
    """Joins names for a sentence."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
