"""The card of a sweep: instances that do not respond, the largest group, and instances that differ. Pure."""

from __future__ import annotations

from bot.engine.outbox_port import Message, Priority
from bot.engine.sweep.comparison import Group, Kin, Silence, instances, named
from bot.engine.sweep.first_sweep import FirstSweep
from bot.guards.facts import mention
from bot.slack.blocks import (
    Block,
    code,
    context,
    duration,
    escape,
    fitting,
    header,
    numbered,
    section,
    sentence,
)
from bot.slack.triage_card import ACKNOWLEDGED, FIRING, RESOLVED

GROUPS = 4
"""The most differing groups per kind, and the most reasons, on the card; `firstmate sweep` shows all of them."""
LINE = 400
"""Characters of one line."""


def sweep_message(key: str, channel: str, user: str, on: str, found: FirstSweep) -> Message:
    """Returns the message of a sweep for the channel."""
    colour = FIRING if found.silent else RESOLVED if found.alike else ACKNOWLEDGED
    payload = {
        "text": escape(f"Sweep of {on}: {found.says}", 900),
        "blocks": numbered(fitting(card(user, on, found)), key),
        "attachments": [{"color": colour, "blocks": [section(f"*{escape(found.says)}*")], "fallback": found.says}],
    }
    return Message(key, channel, None, Priority.NEWS, payload)


def card(user: str, on: str, found: FirstSweep) -> list[Block]:
    """Returns the blocks: first the instances that do not respond, then the groups of each diagnostic."""
    asked = ", ".join(code(name) for name, _ in found.found)
    blocks = [
        header(f"🔎 {on} · {found.asked:,} instance{'s' if found.asked != 1 else ''}"),
        context(f"requested by {sentence(mention(user))} · {asked} · took {duration(found.took)}"),
    ]
    if found.silent:
        blocks.append(section("\n".join(_silence(each) for each in found.silent[:GROUPS])))
        blocks += _more(len(found.silent) - GROUPS, "reasons")
    for name, summary in found.found:
        if summary.kin:
            blocks.append(section(f"*{escape(name)}*"))
        for kin in summary.kin:
            blocks += _kin(kin)
    return blocks


def _kin(kin: Kin) -> list[Block]:
    largest, *others = kin.groups
    blocks = [section("\n".join([f"*{escape(kin.name)}*", _largest(largest, alone=kin.hosts == 1), *_far(largest)]))]
    blocks += [section("\n".join([_differing(group), *_far(group)])) for group in others[:GROUPS]]
    return blocks + _more(len(others) - GROUPS, "groups that differ")


def _more(count: int, what: str) -> list[Block]:
    return [context(f"{count} more {what}; `firstmate sweep` shows them all.")] if count > 0 else []


def _largest(group: Group, *, alone: bool) -> str:
    says = escape(group.seen, LINE) or "no values"
    return says if alone else f":white_check_mark: *{instances(group.hosts)} (largest group)*: {says}"


def _differing(group: Group) -> str:
    says = escape("; ".join(each.says for each in group.differs), LINE)
    differ = "differs" if len(group.hosts) == 1 else "differ"
    return f":warning: *{instances(group.hosts)} {differ}* ({escape(named(group.hosts), LINE)}): {says}"


def _far(group: Group) -> list[str]:
    strays = "; ".join(each.strays for each in group.ranges if each.strays)
    return [f":warning: *outliers*: {escape(strays, LINE)}"] if strays else []


def _silence(silence: Silence) -> str:
    hosts = escape(named(silence.hosts), LINE)
    reason = escape(silence.reason, LINE // 2)
    return f":red_circle: *{instances(silence.hosts)} did not respond* ({hosts}): {reason}"
