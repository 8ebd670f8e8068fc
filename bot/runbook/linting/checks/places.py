"""Checks whether an action can be used where a step or a remedy wants it: on servers, or on proxies. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from actions.contract import MySQL, ProxySQL
from actions.vitess_contract import Vitess
from bot.runbook.language.findings import Path, Problem
from bot.runbook.language.schema_base import Place, Selector


def check_place(path: Path, use: str, reader: type, on: Place | Selector) -> Iterator[Problem]:
    """Finds an action of proxies on servers, and one of servers on proxies; `target` may be either."""
    if on == "target":
        return
    at_proxies = on == "proxies" or (isinstance(on, Selector) and on.role == "proxy")
    if reader is ProxySQL and not at_proxies:
        says = f"{use} is for proxies, and here are servers"
        yield Problem((*path, "on"), says, "wrong-place", "write `on: proxies`")
    if reader in (MySQL, Vitess) and at_proxies:
        kind = "tablets of Vitess" if reader is Vitess else "servers"
        yield Problem((*path, "on"), f"{use} is for {kind}, and here are proxies", "wrong-place")
