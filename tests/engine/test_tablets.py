"""A change of a server that is a tablet's: a call of Vitess stands for it, or it is refused with its reason."""

from __future__ import annotations

import pytest

from actions.catalog import REMEDIATIONS
from bot.config import Tablet
from bot.engine.planner import drafted
from bot.engine.target_selection import refused_on_tablet, stand_in
from bot.engine.targets import Target
from tests.engine.servers import shard_of

SHARD = shard_of("orders", 1)
SERVER = Target(SHARD.instances[1], SHARD)
TABLET = Target(Tablet.model_construct(name="zone1-0000000101", role=SERVER.instance.role), SHARD)


def variable(name: str):
    return REMEDIATIONS["mysql.set_variable"](name=name, value=200)  # type: ignore[call-arg]


def test_vitess_starts_the_replication_of_a_tablet_with_the_parameters_that_its_action_knows():
    written = {"thread": "applier", "stopped_by_hand_too": True}
    draft = drafted("mysql.start_replica", written, {}, TABLET)
    assert (draft.use, draft.parameters) == ("vitess.start_replication", {"stopped_by_hand_too": True})
    beside = drafted("mysql.start_replica", written, {}, SERVER)
    assert (beside.use, beside.parameters) == ("mysql.start_replica", {**written, "channel": ""})


@pytest.mark.parametrize(
    ("use", "parameters", "names"),
    [
        ("mysql.stop_replica", {}, "vtctldclient ChangeTabletType"),
        ("mysql.set_read_only", {}, "run the runbook vitess/shard"),
        ("mysql.skip_transaction", {"errno": 1062}, "restore it from a backup"),
        ("mysql.set_variable", {"name": "rpl_semi_sync_source_timeout", "value": 1000}, "durability policy"),
        ("mysql.start_replica", {}, "use vitess.start_replication"),
    ],
)
def test_what_vtorc_or_vitess_holds_is_refused_with_its_reason(use, parameters, names):
    made = REMEDIATIONS[use](**parameters)
    says = refused_on_tablet(use, made, TABLET)
    assert says.startswith(f"zone1-0000000101 is a tablet of Vitess, and {use} is not allowed on one: ")
    assert names in says
    assert refused_on_tablet(use, made, SERVER) == ""
    assert stand_in(made, SERVER) == ""


def test_a_change_that_vitess_does_not_mind_is_made_as_on_any_server():
    for made in (variable("max_connections"), REMEDIATIONS["mysql.fix_errant_gtid"](gtids="x:1")):  # type: ignore[call-arg]
        assert refused_on_tablet("mysql.any", made, TABLET) == ""


def test_what_stands_for_another_one_is_in_the_catalog_or_a_sentence():
    for name, each in REMEDIATIONS.items():
        assert each.under_vitess in ("", *REMEDIATIONS) or each.under_vitess.endswith("."), name
