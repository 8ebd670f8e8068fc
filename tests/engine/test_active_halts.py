"""A halt applies to all changes, a shard or an action; it is set by command or by a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.engine.active_halts import Halts, on_disk, scope_of
from bot.engine.user_commands import Commands
from bot.errors import NotAllowed, UnknownTarget, WrongUsage
from bot.guards.facts import Halt
from bot.store.database import Database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue
from tests.engine.commands_fixture import commands_of
from tests.engine.servers import Everybody
from tests.samples import NOW

START = "mysql.start_replica"


@pytest.fixture
def store(database: Database) -> RunStore:
    return RunStore(database, DirectQueue())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "HALT"


def test_without_a_halt_nothing_is_halted(store: RunStore, file: Path):
    assert Halts(store, file).holding("orders", [START]) is None


@pytest.mark.parametrize(
    ("scope", "shard", "action", "holds"),
    [
        ("", "orders", START, True),
        ("shard:orders", "orders", START, True),
        ("shard:orders", "billing", START, False),
        ("action:mysql.start_replica", "billing", START, True),
        ("action:mysql.start_replica", "billing", "mysql.kill_query", False),
    ],
)
def test_a_halt_holds_in_its_scope(store: RunStore, scope: str, shard: str, action: str, holds: bool):
    store.set_halt(Halt("U1", "drill", NOW, scope), actor="U1")
    assert (Halts(store).holding(shard, [action]) is not None) == holds


def test_the_widest_halt_is_reported(store: RunStore):
    for scope in ("action:mysql.start_replica", "", "shard:orders"):
        store.set_halt(Halt("U1", f"for {scope}", NOW, scope), actor="U1")
    found = Halts(store).holding("orders", [START])
    assert found is not None
    assert str(found) == "All changes have been halted by <@U1> since 03:00 UTC (for )."
    assert found.lifted_by == "An admin lifts it with /mate resume."


def test_a_halt_of_a_shard_names_it_and_what_lifts_it():
    halt = Halt("U1", "migration", NOW, "shard:orders")
    assert str(halt) == "All changes of orders have been halted by <@U1> since 03:00 UTC (migration)."
    assert halt.lifted_by == "An admin lifts it with /mate resume shard:orders."


def test_a_file_halts_everything_without_slack(store: RunStore, file: Path):
    file.write_text("the network is being rebuilt\nmore", encoding="utf-8")
    found = Halts(store, file).holding("orders", [START])
    assert found is not None
    assert (found.by, found.reason) == (f"the file {file}", "the network is being rebuilt")
    assert found.lifted_by == "Remove the file to lift it."
    file.unlink()
    assert Halts(store, file).holding("orders", [START]) is None


def test_of_several_bots_the_file_of_one_host_halts_all(store: RunStore, file: Path):
    here, there = Halts(store, file), Halts(store, file.with_name("none"))
    here.share()
    assert there.every() == []
    store.set_halt(Halt("U1", "migration", NOW, "shard:orders"), actor="U1")
    file.write_text("the network is being rebuilt", encoding="utf-8")
    here.share()
    here.share()
    assert [(halt.scope, halt.reason) for halt in there.every()] == [
        ("", "the network is being rebuilt"),
        ("shard:orders", "migration"),
    ]
    assert there.every()[0].lifted_by == "An admin lifts it with /mate resume."


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"x" * 10_000])
def test_a_file_halts_whatever_it_contains(file: Path, content: bytes):
    file.write_bytes(content)
    found = on_disk(file)
    assert found is not None
    assert len(found.reason) <= 300


def test_a_file_that_cannot_be_read_halts_too(tmp_path: Path):
    (tmp_path / "HALT").mkdir()
    found = on_disk(tmp_path / "HALT")
    assert found is not None
    assert "cannot be read" in found.reason


def test_all_halts_are_listed(store: RunStore, file: Path):
    store.set_halt(Halt("U1", "drill", NOW), actor="U1")
    store.set_halt(Halt("U1", "drill", NOW, "shard:orders"), actor="U1")
    assert [halt.scope for halt in Halts(store, file).every()] == ["", "shard:orders"]
    file.touch()
    assert [halt.by.startswith("the file") for halt in Halts(store, file).every()] == [True, False]


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("drill", ("", "drill")),
        ("", ("", "")),
        ("shard:orders migration now", ("shard:orders", "migration now")),
        ("action:mysql.kill_query", ("action:mysql.kill_query", "")),
        ("the shard:orders", ("", "the shard:orders")),
    ],
)
def test_the_scope_comes_before_the_reason(text: str, scope: tuple[str, str]):
    assert scope_of(text) == scope


def test_a_scope_has_a_name():
    with pytest.raises(WrongUsage, match=r"shard:orders"):
        scope_of("shard: drill")


class Nobody(Everybody):
    """A directory in which nobody may do anything."""

    def may(self, user: str, role: str, *, shard: str = "", risk: str = "", fresh: bool = False) -> tuple[bool, str]:
        return False, f"{user} holds no {role}"


def commands(store: RunStore, file: Path, directory: Everybody | None = None) -> Commands:
    return commands_of(store, halts=Halts(store, file), directory=directory)


def test_an_admin_halts_and_resumes_changes(store: RunStore, file: Path):
    asked = commands(store, file)
    migration = Halt("U1", "migration", NOW, "shard:orders")
    assert asked.halt("U1", "shard:orders migration") == migration
    assert asked.halt("U1", "") == Halt("U1", "no reason given", NOW)
    assert asked.resume("U2") == [migration]
    assert asked.resume("U2", "shard:orders") == []
    assert store.halts() == []


def test_a_file_is_not_lifted_from_slack(store: RunStore, file: Path):
    file.write_text("by hand", encoding="utf-8")
    [left] = commands(store, file).resume("U1")
    assert left.lifted_by == "Remove the file to lift it."


@pytest.mark.parametrize("text", ["shard:order drill", "action:mysql.kill_quary drill"])
def test_a_misspelt_scope_is_an_error_and_halts_nothing(store: RunStore, file: Path, text: str):
    with pytest.raises(UnknownTarget, match=r"did you mean"):
        commands(store, file).halt("U1", text)
    assert store.halts() == []


def test_only_an_admin_halts_and_resumes_changes(store: RunStore, file: Path):
    for ask in (commands(store, file, Nobody()).halt, commands(store, file, Nobody()).resume):
        with pytest.raises(NotAllowed, match=r"U1 holds no admin"):
            ask("U1", "drill")
    assert store.halts() == []
