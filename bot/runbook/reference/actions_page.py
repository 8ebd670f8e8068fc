"""The page of all actions, docs/actions.md, made from their descriptions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from actions.contract import Flavour, Grants
from bot.runbook.reference.action_reference import Described, Entry, Record
from bot.runbook.reference.statement_listener import CLUSTERS, PROXIES, VERSIONS, Heard

HEAD = """\
# The actions

What a runbook can use. `gather` asks **diagnostics**, which only read; `remedies` make changes with **remediations**.
This page is made from the code by `firstmate actions --markdown`; `firstmate actions NAME` shows one of them.

A *cost* of low is a few rows of counters, medium is a walk over the sessions or transactions, high may be felt by a
busy server. The *SQL* was heard by asking each action for {versions};
where servers differ, a comment says for which a statement is. `%s` stands for a bound value. Every diagnostic runs in a
read-only transaction, within a time limit and a limit of rows, as a user that cannot write. Of Vitess an action asks
vtctld's RPCs and the pages of its programs; a change is told by its call, with the fields that it sets.
"""
_FLAVOURS = {
    Flavour.MYSQL: "MySQL",
    Flavour.MARIADB: "MariaDB",
    Flavour.PROXYSQL: "ProxySQL",
    Flavour.VITESS: "Vitess",
}
_ALL = (*VERSIONS, *PROXIES)


def page(actions: Sequence[Described]) -> str:
    """The whole page in Markdown."""
    return "\n".join([HEAD.format(versions=_servers(_ALL)), *_contents(actions), *map(section, actions)])


def _contents(actions: Sequence[Described]) -> Iterator[str]:
    yield "| action | what | cost or risk |\n|---|---|---|"
    for each in actions:
        grade = (each.cost or each.risk).split(",")[0]
        yield f"| [{each.name}](#{each.name.replace('.', '')}) | {_cell(each.first)} | {grade} |"
    yield ""


def section(action: Described) -> str:
    """One action in Markdown."""
    parts = [f"## {action.name}\n", f"{action.says}\n"]
    if action.cost:
        parts.append(f"*Diagnostic. Cost: {action.cost}.*\n")
    else:
        parts.append(f"*Remediation. Risk: {action.risk}.*\n")
    if action.parameters:
        parts += [_table("parameter", action.parameters, defaults=True), ""]
    parts += [f"Needs {each}.\n" for each in _grants(action.needs)]
    for record in action.returns:
        parts += [_record(record), ""]
    parts += [f"- **{name}**: {_line(says)}" for name, says in action.methods.items()]
    if action.methods:
        parts.append("")
    for title, heard in (("Asks", action.asks), ("Changes", action.changes), ("Undoes", action.undoes)):
        if heard and heard[0].versions == CLUSTERS:
            parts += [f"{title}:\n", "```text", *(each.text for each in heard), "```\n"]
        elif heard:
            parts += [f"{title}:\n", "```sql", *_sql(heard), "```\n"]
    return "\n".join(parts)


def _record(record: Record) -> str:
    head = f"Each of `{record.name}`: " if record.name else "Returns: "
    return f"{head}{_line(record.says)}\n\n{_table('field', record.fields)}"


def _table(first: str, entries: Iterable[Entry], *, defaults: bool = False) -> str:
    lines = [f"| {first} | is |{' default |' if defaults else ''} |", f"|---|---|{'---|' if defaults else ''}---|"]
    for each in entries:
        default = f" {f'`{each.default}`' if each.default is not None else '*must be given*'} |" if defaults else ""
        lines.append(f"| `{each.name}` | {_cell(each.kind)} |{default} {_cell(each.says)} |")
    return "\n".join(lines)


def _grants(needs: Grants) -> Iterator[str]:
    for flavour, grants in needs.items():
        yield f"on {_FLAVOURS[flavour]} {', '.join(f'`{grant}`' for grant in grants) or 'no privilege'}"


def _sql(heard: Iterable[Heard]) -> Iterator[str]:
    for each in heard:
        if each.versions not in (VERSIONS, PROXIES):
            yield f"-- {_servers(each.versions)}"
        yield f"{each.text};"


def _servers(versions: Iterable[object]) -> str:
    named: dict[str, list[str]] = {}
    for version in _ALL:
        if version in versions:
            named.setdefault(_FLAVOURS[version.flavour], []).append(".".join(map(str, version.number[:2])))
    return " and ".join(f"{flavour} {', '.join(numbers)}" for flavour, numbers in named.items())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _line(text: str) -> str:
    return " ".join(text.split())
