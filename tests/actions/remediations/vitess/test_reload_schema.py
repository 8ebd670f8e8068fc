"""The vttablets of a shard read their tables again; it is good once one knows the columns of its MySQL."""

from __future__ import annotations

import pytest

from actions.contract import Unreadable
from actions.remediations.vitess.reload_schema import ReloadSchema
from tests.vitess_shard import GONE, OTHER, PRIMARY, REPLICA, made, refusal, shard

RELOAD = ReloadSchema()
PAGE = {
    "dual": {"Name": "dual", "Fields": None},
    "customer": {"Name": "customer", "Fields": [{"name": "customer_id", "type": 265}, {"name": "email", "type": 6165}]},
}
KNOWN = {f"vttablet {each} /debug/schema": PAGE for each in (PRIMARY, REPLICA, OTHER)}


def there(*columns: str):
    hold = {"name": "_vt_hld_6ace8bcef73211ea87e9f875a4d24e90_20261126014400_", "columns": ["id"]}
    return {"GetSchema": {"schema": {"table_definitions": [{"name": "customer", "columns": list(columns)}, hold]}}}


def test_the_shard_is_reloaded_with_its_primary():
    vt = shard(pages=KNOWN)
    RELOAD.check(vt)
    assert made(RELOAD.change(vt)) == [
        'ReloadSchemaShard {"concurrency":10,"include_primary":true,"keyspace":"commerce","shard":"-80"}'
    ]
    assert made(RELOAD.undo(vt)) == []
    assert "information_schema" in RELOAD.cost(vt)


def test_it_is_good_once_the_columns_are_those_of_the_server():
    assert RELOAD.verify(shard(there("customer_id", "email"), KNOWN)).ok
    stale = RELOAD.verify(shard(there("customer_id", "email", "note"), KNOWN))
    assert (stale.ok, stale.settled) == (False, False)
    assert "zone1-0000000100 knows other columns than its MySQL server has" in stale.says


def test_where_no_vttablet_answers_it_is_refused():
    assert "No vttablet of commerce/-80 answers" in refusal(RELOAD, shard())
    RELOAD.check(shard(pages={f"vttablet {OTHER} /debug/schema": PAGE}))


def test_a_page_that_is_none_is_told():
    with pytest.raises(Unreadable, match="The tables that zone1-0000000100 knows could not be"):
        RELOAD.verify(shard(there("id"), {f"vttablet {PRIMARY} /debug/schema": GONE}))
    with pytest.raises(Unreadable, match="page is not JSON"):
        RELOAD.verify(shard(there("id"), {f"vttablet {PRIMARY} /debug/schema": "schema engine is closed"}))
