"""A reader cannot call what changes, and a changer only what actions call."""

from __future__ import annotations

import pytest

from actions.catalog import DIAGNOSTICS, REMEDIATIONS
from actions.contract import Flavour, Unreadable
from actions.vitess_contract import Component, Vitess
from bot.errors import NotAllowed
from bot.fleet.vitess.allowed_calls import CHANGING, PAGES, READING, check_change, check_page, check_rpc, check_show


def test_no_rpc_both_reads_and_changes():
    assert not READING & CHANGING


@pytest.mark.parametrize("name", ["PlannedReparentShard", "DeleteTablets", "ExecuteFetchAsDBA", "ApplySchema"])
def test_a_reader_refuses_what_changes(name: str):
    with pytest.raises(Unreadable, match=name):
        check_rpc(name)


@pytest.mark.parametrize("name", ["DeleteShards", "ExecuteFetchAsDBA", "WorkflowDelete", "GetTablets"])
def test_a_changer_refuses_what_no_action_makes(name: str):
    with pytest.raises(NotAllowed, match=name):
        check_change(name)


@pytest.mark.parametrize(
    ("component", "path"),
    [
        (Component.VTORC, "/api/disable-global-recoveries"),
        (Component.VTTABLET, "/debug/querylog"),
        (Component.VTTABLET, "/txlogz"),
        (Component.VTGATE, "/debug/tablet_health"),
        (Component.VTORC, "/api/problems/../disable-global-recoveries"),
    ],
)
def test_a_reader_opens_no_page_that_changes_or_never_ends(component: Component, path: str):
    with pytest.raises(Unreadable):
        check_page(component, path)


def test_a_page_may_have_a_query():
    check_page(Component.VTTABLET, "/twopcz?format=json")


@pytest.mark.parametrize("sql", ["SHOW VITESS_TABLETS", "show unresolved transactions for commerce"])
def test_vtgate_is_asked_to_show(sql: str):
    check_show(sql)


@pytest.mark.parametrize("sql", ["SELECT 1", "SHOW VITESS_TABLETS; DROP TABLE t", "alter vitess_migration cancel all"])
def test_vtgate_is_asked_nothing_else(sql: str):
    with pytest.raises(Unreadable):
        check_show(sql)


@pytest.mark.parametrize("name", [name for name, each in DIAGNOSTICS.items() if each.reader is Vitess])
def test_a_diagnostic_needs_only_what_a_reader_may(name: str):
    pages = {f"{component.value} {path}" for component, paths in PAGES.items() for path in paths}
    for need in DIAGNOSTICS[name].needs[Flavour.VITESS]:
        assert need in READING or need.partition("?")[0] in pages or need.startswith("vtgate SHOW"), need


@pytest.mark.parametrize("name", [name for name, each in REMEDIATIONS.items() if each.reader is Vitess])
def test_a_remediation_needs_only_what_is_allowed(name: str):
    pages = {f"{component.value} {path}" for component, paths in PAGES.items() for path in paths}
    for need in REMEDIATIONS[name].needs[Flavour.VITESS]:
        known = need in READING or need in CHANGING or need.partition("?")[0] in pages
        assert known or need.startswith(("vtorc /api/", "vtgate SHOW")), need
