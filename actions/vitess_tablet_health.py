"""The health of one tablet, from its own pages, its MySQL server and vtgate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from actions.contract import Moment, Row, Unreadable
from actions.statement_redaction import redact_error
from actions.vitess_contract import Component, ComponentAnswer, Tablet, Vitess, alias_record

VttabletState: TypeAlias = Literal["answers", "refused", "silent", "unknown"]
MysqldState: TypeAlias = Literal["alive", "dead", "hangs", "unknown"]
SeenState: TypeAlias = Literal["SERVING", "NOT_SERVING", "absent", "unknown"]

DETAILS = "/debug/status_details"
MOST_TABLETS = 1000
"""Rows of SHOW VITESS_TABLETS that are read; it lists the tablets of every keyspace."""
SHOWN = 200
READ_ONLY = "SELECT @@GLOBAL.read_only AS read_only, @@GLOBAL.super_read_only AS super_read_only"
_STATUS = re.compile(r"\b(?:HTTP|status|answer(?:s|ed)(?: with)?) [1-5]\d\d\b", re.IGNORECASE)
_HANGS = re.compile(r"takes connections but does not answer", re.IGNORECASE)
_NO_MYSQL = re.compile(r"errno 200[236]|connection refused|no such file", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TabletHealth:
    """One tablet, by its own pages, its MySQL server and vtgate."""

    alias: str = ""
    """The tablet's alias, such as `zone1-0000000100`."""
    type: str = ""
    """Its type in the topology: PRIMARY, REPLICA, RDONLY, DRAINED, BACKUP and so on."""
    hostname: str = ""
    """The host of its vttablet."""
    mysql: str = ""
    """`host:port` of its MySQL server."""
    primary_since: Moment | None = None
    """When its last term as primary began, in Unix seconds; empty if it never was primary."""
    vttablet: VttabletState = "unknown"
    """`refused`: the host answers but the process is gone; `silent`: there was no reply in time, or the host is down;
    `unknown`: its address is unknown."""
    vttablet_error: str = ""
    """Why its vttablet could not be read; '' if it could."""
    state: str = ""
    """The state that vttablet reports: `PRIMARY: Serving`, `REPLICA: Not connected to mysql`."""
    serving: bool = False
    """Whether vttablet reports that it serves."""
    reason: str = ""
    """Why it does not serve, in vttablet's words: `demotion in progress`, `TabletControl.DisableQueryService set`."""
    mysqld: MysqldState = "unknown"
    """Whether its mysqld runs, read through vttablet, or directly if vttablet does not answer. `hangs`: it takes
    connections and does not answer, as a suspended process does."""
    mysqld_error: str = ""
    """Why its mysqld could not be read; '' if it could."""
    read_only: bool | None = None
    """`read_only` of its MySQL server; empty if unknown."""
    super_read_only: bool | None = None
    """`super_read_only` of its MySQL server; empty if unknown."""
    disk_stalled: bool = False
    """Whether vttablet found that its disk accepts no writes; it does not query MySQL then."""
    seen: SeenState = "unknown"
    """How vtgate sees it, which is what clients experience; `absent`: vtgate does not know it."""
    seen_as: str = ""
    """The type that vtgate has for it."""

    @property
    def vttablet_dead(self) -> bool:
        """Whether vttablet did not answer."""
        return self.vttablet in ("refused", "silent")

    @property
    def mysqld_dead(self) -> bool:
        """Whether its mysqld is known to be dead."""
        return self.mysqld == "dead"

    @property
    def mysqld_hangs(self) -> bool:
        """Whether its mysqld takes connections but does not answer. Its vttablet goes on reporting that it serves."""
        return self.mysqld == "hangs"

    @property
    def down(self) -> bool:
        """Whether its vttablet or its mysqld is dead."""
        return self.vttablet_dead or self.mysqld_dead

    @property
    def writable(self) -> bool:
        """Whether its MySQL server accepts writes, as far as that could be read."""
        return self.super_read_only is False and self.read_only is False


@dataclass(frozen=True, slots=True)
class TabletListing:
    """The tablets of a shard, and how vtgate sees them."""

    tablets: tuple[Tablet, ...]
    seen: tuple[Row, ...] | None
    """vtgate's rows of SHOW VITESS_TABLETS, one for each tablet; None if no vtgate answered."""
    from_topology: bool = True
    """False if the topology is unavailable and the tablets are those that vtgate knows, without addresses."""


def list_tablets(vt: Vitess, missing: list[str]) -> TabletListing:
    """Lists the tablets of the shard from the topology, or from vtgate if that is unavailable.

    Raises Unreadable if neither answers.
    """
    try:
        seen: tuple[Row, ...] | None = _seen(vt, missing)
    except Unreadable as error:
        seen = None
        missing.append(f"How vtgate sees the tablets is unknown: {error}")
    try:
        return TabletListing(vt.tablets()[:SHOWN], seen)
    except Unreadable as error:
        if seen is None:
            raise
        missing.append(f"The topology could not be read, so the tablets are those that vtgate knows: {error}")
        return TabletListing(tuple(_as_seen(vt, row) for row in seen), seen, from_topology=False)


def _seen(vt: Vitess, missing: list[str]) -> tuple[Row, ...]:
    """Returns vtgate's rows of the tablets of the shard, one each: the latest term if a tablet has two."""
    rows = vt.vtgate("SHOW VITESS_TABLETS", limit=MOST_TABLETS)
    if len(rows) >= MOST_TABLETS:
        missing.append(f"vtgate knows more than {MOST_TABLETS} tablets; only the first {MOST_TABLETS} were read.")
    found: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: str(row["PrimaryTermStartTime"] or "")):
        if (row["Keyspace"], row["Shard"]) == (vt.keyspace, vt.shard):
            found[str(row["Alias"])] = row
    return tuple(found[alias] for alias in sorted(found))[:SHOWN]


def _as_seen(vt: Vitess, row: Row) -> Tablet:
    record = alias_record(str(row["Alias"]))
    return Tablet(
        alias=str(row["Alias"]),
        cell=record["cell"],
        uid=record["uid"],
        keyspace=vt.keyspace,
        shard=vt.shard,
        type=str(row["TabletType"]),
        hostname=str(row["Hostname"]),
        web_port=0,
        grpc_port=0,
        mysql_hostname="",
        mysql_port=0,
        primary_since=_unix(str(row["PrimaryTermStartTime"] or "")),
    )


def _unix(written: str) -> float | None:
    """Returns `2026-11-23T19:19:24Z` as Unix time in seconds; None if there is no time."""
    return datetime.fromisoformat(written).timestamp() if written else None


def tablet_healths(vt: Vitess, listing: TabletListing) -> tuple[TabletHealth, ...]:
    """Reads each of these tablets: its page, its MySQL server through it, or directly if it does not answer."""
    tablets, seen = listing.tablets, listing.seen
    if not listing.from_topology:
        return tuple(_health(each, None, None, None, seen) for each in tablets)
    pages = status_pages(vt, tablets)
    through = full_statuses(vt, tablets, pages)
    found = []
    for each in tablets:
        answer = through[each.alias]
        # MySQL is read directly only if its vttablet does not answer, or cannot read it.
        past = None if answer.ok else _ask_mysql(vt, each.alias)
        found.append(_health(each, pages[each.alias], answer, past, seen))
    return tuple(found)


def status_pages(vt: Vitess, tablets: Sequence[Tablet]) -> dict[str, ComponentAnswer]:
    """Returns the status page of each of these tablets of the shard, by alias."""
    found = vt.web(Component.VTTABLET, DETAILS, tablet=tablets[0].alias if len(tablets) == 1 else "")
    return answers_by_alias(tablets, found)


def answers_by_alias(tablets: Iterable[Tablet], answers: Iterable[ComponentAnswer]) -> dict[str, ComponentAnswer]:
    """Returns an answer for each tablet: an error for a tablet that appeared or disappeared in between."""
    told = {each.who: each for each in answers}
    return {each.alias: told.get(each.alias, ComponentAnswer(each.alias, error="It was not read.")) for each in tablets}


def full_statuses(
    vt: Vitess, tablets: Sequence[Tablet], pages: Mapping[str, ComponentAnswer]
) -> dict[str, ComponentAnswer]:
    """Returns each tablet's answer to GetFullStatus by alias, or its page's error if its vttablet gave no page.

    vtctld accepts a call through a dead vttablet, and does not answer until the caller gives up.
    """
    asked = [each for each in tablets if vttablet_state(pages[each.alias]) == "answers"]
    found = vt.rpcs("GetFullStatus", [{"tablet_alias": alias_record(each.alias)} for each in asked])
    told = {each.alias: answer for each, answer in zip(asked, found, strict=True)}
    return {
        each.alias: told.get(each.alias, ComponentAnswer(each.alias, error=pages[each.alias].error or "No answer."))
        for each in tablets
    }


def vttablet_state(answer: ComponentAnswer) -> VttabletState:
    """Whether the process behind a page answers, by the page or its error; any HTTP status is an answer."""
    if answer.ok or _STATUS.search(answer.error):
        return "answers"
    return "refused" if "refused" in answer.error.lower() else "silent"


def _ask_mysql(vt: Vitess, alias: str) -> Row | str:
    """Returns the read-only settings of a tablet's MySQL server, read directly; the error if it cannot be read."""
    try:
        server = vt.mysql_of(alias)
        return server.rows(READ_ONLY)[0]
    except Unreadable as error:
        return str(error)


def _health(
    tablet: Tablet,
    page: ComponentAnswer | None,
    through: ComponentAnswer | None,
    past: Row | str | None,
    seen: Iterable[Row] | None,
) -> TabletHealth:
    details = {str(each.get("Key")): each for each in (page and page.body) or () if isinstance(each, Mapping)}
    state = str(details.get("Current State", {}).get("Value", ""))
    mysqld, error = _mysqld(through, past, state)
    row = None if seen is None else next((row for row in seen if row["Alias"] == tablet.alias), {})
    status = through.body.get("status", {}) if through is not None and through.ok else {}
    stalled = bool(status.get("disk_stalled"))
    known = dict(past) if isinstance(past, Mapping) else {} if stalled else dict(status)
    told = through is not None and through.ok and not stalled
    return TabletHealth(
        alias=tablet.alias,
        type=tablet.type,
        hostname=tablet.hostname,
        mysql=f"{tablet.mysql_hostname}:{tablet.mysql_port}" if tablet.mysql_port else "",
        primary_since=tablet.primary_since,
        vttablet="unknown" if page is None else vttablet_state(page),
        vttablet_error="" if page is None else redact_error(page.error)[:300],
        # A primary appends the start of its term, in the time zone of its host.
        state=state.split(",")[0],
        serving=_serving(details),
        reason=_reason(details),
        mysqld=mysqld,
        mysqld_error=error,
        read_only=_switch(known, "read_only", default=told),
        super_read_only=_switch(known, "super_read_only", default=told),
        disk_stalled=stalled,
        seen=_seen_state(row),
        seen_as=str(row["TabletType"]) if row else "",
    )


def _mysqld(through: ComponentAnswer | None, past: Row | str | None, state: str) -> tuple[MysqldState, str]:
    """Whether the tablet's mysqld runs: by its vttablet, and by a direct connection if that did not tell."""
    if (through is not None and through.ok) or isinstance(past, Mapping):
        return "alive", ""
    errors = [each for each in (through.error if through is not None else "", past or "") if each]
    if isinstance(past, str) and _HANGS.search(past):
        return "hangs", redact_error(past)[:300]
    dead = "Not connected to mysql" in state or any(_NO_MYSQL.search(each) for each in errors)
    return ("dead" if dead else "unknown"), redact_error(errors[-1] if errors else "")[:300]


def _serving(details: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether vttablet serves. It also reports `Serving` for a replica that lags too far to serve."""
    bad = any(each.get("Class") == "unhealthy" for each in details.values())
    return ": Serving" in str(details.get("Current State", {}).get("Value", "")) and not bad and "Reason" not in details


def _reason(details: Mapping[str, Mapping[str, Any]]) -> str:
    parts = [str(details[key].get("Value", "")) for key in ("Reason", "Transition Error") if key in details]
    lag = details.get("Replication Lag", {})
    if lag.get("Class") == "unhealthy":
        parts.append(f"replication lag of {lag.get('Value')}")
    if "Lameduck" in details:
        parts.append("it is shutting down")
    return redact_error("; ".join(parts))[:300]


def _switch(row: Mapping[str, Any], name: str, *, default: bool) -> bool | None:
    """Returns a setting; in an answer of vtctld an absent one is off."""
    if name not in row:
        return False if default else None
    return str(row[name]).upper() in ("1", "ON", "TRUE")


def _seen_state(row: Row | None) -> SeenState:
    if row is None:
        return "unknown"
    if not row:
        return "absent"
    return "SERVING" if row["State"] == "SERVING" else "NOT_SERVING"
