"""Checks before a change of a Vitess shard. Each raises Refused while other work is under way or VTOrc would act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actions.contract import Flavour, Refused, Unreadable
from actions.diagnostics.vitess.vtorc import vtorc
from actions.sql_quoting import identifier
from actions.statement_redaction import redact_error
from actions.vitess_contract import Component, Vitess, runbook_command
from actions.vitess_records import denied_tables
from actions.vitess_workflows import FROZEN, moving_workflows, workflow_title

TWOPCZ = "/twopcz?format=json"
PREPARED = """
SELECT (SELECT COUNT(*) FROM {0}.redo_state) AS prepared, (SELECT COUNT(*) FROM {0}.dt_state) AS distributed
"""


def refuse_prepared_at_primary(vt: Vitess) -> None:
    """Raises Refused if the primary, which is the target, has distributed transactions, or if that is unknown.

    /twopcz lists a prepared transaction before GetUnresolvedTransactions does. On a replica it answers with an error.
    """
    (page,) = vt.web(Component.VTTABLET, TWOPCZ, tablet=vt.tablet)
    if not page.ok or not isinstance(page.body, Mapping):
        why = redact_error(page.error) or "it is not JSON"
        raise Refused(
            f"Whether {vt.tablet} has distributed transactions is unknown, and a prepared one can keep the next "
            f"primary from serving. Its page /twopcz could not be read ({why}). Check that vttablet first."
        )
    _refuse_unended(
        vt, vt.tablet, {name.lower(): len(page.body.get(name) or ()) for name in ("Distributed", "Prepared", "Failed")}
    )


def refuse_prepared_at_replica(vt: Vitess, alias: str, sidecar: str) -> None:
    """Raises Refused if a replica has received distributed transactions from its primary, or if that is unknown."""
    try:
        (row,) = vt.mysql_of(alias).rows(PREPARED.format(identifier(sidecar)))
    except Unreadable as error:
        raise Refused(
            f"Whether {alias} has prepared transactions is unknown, and one can keep the next primary from serving: "
            f"{error}"
        ) from error
    _refuse_unended(vt, alias, {name: int(row[name]) for name in ("distributed", "prepared")})


def _refuse_unended(vt: Vitess, alias: str, counts: Mapping[str, int]) -> None:
    if any(counts.values()):
        said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        raise Refused(
            f"Distributed transactions are unresolved on {alias}: {said}. A prepared one can keep the next primary "
            f"from serving. Conclude them first: {runbook_command(vt, 'vitess/unresolved-transactions')}."
        )


def refuse_unfinished_switch(vt: Vitess, record: Mapping[str, Any]) -> None:
    """Raises Refused if a workflow has switched writes and is not completed, or is switching them now."""
    for each in moving_workflows(vt):
        streams = [one for part in (each.get("shard_streams") or {}).values() for one in part.get("streams", ())]
        if any(one.get("message") == FROZEN for one in streams):
            raise Refused(
                f"{workflow_title(each)} has switched writes and is not completed. Complete or reverse it first; ask "
                "its owner which."
            )
    tables = denied_tables(record, "PRIMARY")
    if tables:
        raise Refused(
            f"The primary of {vt.address} is denied {', '.join(tables[:5])}, as a workflow does while it switches "
            "writes. Finish the switch; if no workflow is under way, continue with "
            f"{runbook_command(vt, 'vitess/controls')}."
        )
    if not record.get("is_primary_serving"):
        raise Refused(
            f"The shard record of {vt.address} says that its primary does not serve, as a Reshard does while it "
            "switches. Finish the switch; if none is under way, continue with "
            f"{runbook_command(vt, 'vitess/controls')}."
        )


def refuse_pending_cut_over(vt: Vitess) -> None:
    """Raises Refused if an online schema change is about to cut over."""
    for migration in vt.rpc("GetSchemaMigrations", keyspace=vt.keyspace, status="RUNNING").get("migrations", ()):
        ready = migration.get("ready_to_complete") and not migration.get("postpone_completion")
        if migration.get("shard") == vt.shard and ready:
            raise Refused(
                f"The schema migration {migration.get('uuid')} of {migration.get('table')} is about to cut over on "
                f"{vt.address}. Wait until it is complete, or cancel it first."
            )


NEEDS_OF_VTORC = vtorc.needs[Flavour.VITESS]


def refuse_if_vtorc_acts(vt: Vitess, what: str) -> None:
    """Raises Refused if a VTOrc is running and may act on the shard, since it does `what` without help."""
    if vtorc(vt).acts:
        raise Refused(
            f"VTOrc is running and may act on {vt.address}: it {what} within seconds. Wait for it; if it does not "
            f"act, continue with {runbook_command(vt, 'vitess/vtorc')}."
        )


def refuse_moving_workflows(vt: Vitess, effect: str) -> None:
    """Raises Refused while workflows move tables or shards of the keyspace; `effect` says what such a one does."""
    under_way = [workflow_title(workflow) for workflow in moving_workflows(vt)]
    if under_way:
        raise Refused(
            f"{'; '.join(under_way[:3])} is under way, and {effect}. Complete, reverse or cancel the workflow; that "
            "resolves this as well."
        )
