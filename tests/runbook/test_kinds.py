"""Kinds of servers: for which a runbook speaks, what it says about others, and what its tests can give."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bot.runbook.language.kinds import KINDS, Kind, KnownKinds, not_answered, not_changed
from bot.runbook.language.schema import Runbook
from bot.runbook.library.load_runbooks import load_folders, shipped_folder
from bot.runbook.testing.run_tests import run_tests

PLAIN: tuple[Kind, ...] = ("standalone", "source", "replica")
RDS = KnownKinds(("replica", "managed"), "Amazon RDS")


def runbook(**more: Any) -> Runbook:
    return Runbook.model_validate(
        {"runbook": "mysql/x", "title": "x", "owner": "me", "gather": {"here": "mysql.reachability"}, **more}
    )


def test_a_managed_server_gets_no_answer_of_a_runbook_for_self_managed_ones():
    says = not_answered("mysql/read-only", PLAIN, "orders-2", RDS)
    assert says.startswith(
        "orders-2 is an Amazon RDS instance; the runbook mysql/read-only covers self-managed servers only. "
        "Nothing was diagnosed, and nothing is offered."
    )
    assert says.endswith("For a first look, use /triage orders-2.")


@pytest.mark.parametrize("kind", [each for each in KINDS if each not in PLAIN])
def test_every_kind_that_is_not_named_gets_its_sentence(kind: Kind):
    says = not_answered("mysql/x", PLAIN, "db-1", KnownKinds((kind,)))
    assert says.startswith("db-1 is ")
    assert says.endswith("use /triage db-1.")
    assert "  " not in says


def test_a_runbook_answers_only_if_it_names_all_kinds_of_the_server():
    assert not_answered("mysql/x", (*PLAIN, "delayed"), "db-1", KnownKinds(("replica", "delayed"))) == ""
    assert "a replica with a configured delay" in not_answered("x", PLAIN, "db-1", KnownKinds(("replica", "delayed")))


def test_a_runbook_without_kinds_answers_for_all_of_them():
    assert not_answered("mysql/x", None, "db-1", KnownKinds(KINDS)) == ""


def test_a_kind_that_is_unknown_is_diagnosed_but_not_changed():
    unknown = KnownKinds(unknown="it did not answer within 1 s.")
    assert not_answered("mysql/x", PLAIN, "db-1", unknown) == ""
    assert not_changed("mysql/x", PLAIN, "db-1", unknown) == (
        "The kind of db-1 is unknown: it did not answer within 1 s. The runbook mysql/x changes only servers of the "
        "kinds that it names."
    )
    assert not_changed("mysql/x", None, "db-1", unknown) == ""


@pytest.mark.parametrize("kind", ["recovering", "provisioning"])
def test_a_runbook_without_kinds_does_not_change_a_server_that_is_read_out_or_replaced(kind: Kind):
    known = KnownKinds(("standalone", kind))
    assert "the runbook mysql/x does not cover servers" in not_changed("mysql/x", None, "db-1", known)
    assert not_changed("mysql/x", ("standalone", kind), "db-1", known) == ""


@pytest.mark.parametrize("kind", [each for each in KINDS if each not in ("recovering", "provisioning")])
def test_a_runbook_without_kinds_changes_all_others_as_before(kind: Kind):
    assert not_changed("mysql/x", None, "db-1", KnownKinds((kind,))) == ""


@pytest.mark.parametrize("kinds", [[], ["delayed"], ["replica", "replica"], ["mongodb"], "replica"])
def test_kinds_that_no_server_has_are_refused(kinds: object):
    with pytest.raises(ValidationError):
        runbook(kinds=kinds)


def test_a_test_gives_the_kinds_of_the_server():
    tested = runbook(
        kinds=["replica"],
        causes=[{"id": "down", "when": "here.tcp == 'refused'", "says": "It is down."}],
        tests=[
            {"kinds": ["replica", "managed"], "expect": {"cause": None, "says": "self-managed servers only"}},
            {"kinds": ["replica", "managed"], "given": {"here": {"tcp": "refused"}}, "expect": {"cause": "down"}},
        ],
    )
    first, second = run_tests(tested)
    assert first.passed
    assert "covers self-managed servers only" in str(second.differences[0])


def test_every_shipped_runbook_for_servers_names_its_kinds():
    books = load_folders([shipped_folder()]).runbooks
    assert [each.runbook for each in books if each.kinds is None] == ["proxysql/backends"]
