"""Runbooks change on disk while the bot runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bot.errors import RunbookError
from bot.runbook.shelf import Shelf

TEXT = """\
runbook: {name}
title: {title}
owner: me
match: ['alertname = "{alert}"']
gather: {{replica: mysql.replica_status}}
causes:
  - {{id: stopped, when: '{when}', says: It stopped.}}
"""


class Folder:
    """A folder of runbooks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.mkdir()

    def write(
        self, name: str, *, title: str = "T", alert: str = "", when: str = 'replica.applier_running == "No"'
    ) -> Path:
        path = self.path / f"{name}.yml"
        path.write_text(TEXT.format(name=name, title=title, alert=alert or name, when=when), encoding="utf-8")
        return path


@pytest.fixture
def own(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "own")


@pytest.fixture
def shipped(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "shipped")


def titles(shelf: Shelf) -> dict[str, str]:
    return {runbook.runbook: runbook.title for runbook in shelf.library.runbooks}


def shelf_of(*folders: Folder) -> Shelf:
    return Shelf(tuple(folder.path for folder in folders), folders[0].path)


def test_a_look_finds_nothing_where_nothing_was_changed(own: Folder):
    own.write("one")
    shelf = shelf_of(own)
    assert titles(shelf) == {"one": "T"}
    assert shelf.look() is None


def test_what_is_new_changed_or_gone_is_taken_over(own: Folder):
    own.write("one")
    gone = own.write("two")
    shelf = shelf_of(own)
    own.write("one", title="Another title")
    own.write("three")
    gone.unlink()
    found = shelf.look()
    assert found is not None
    assert (found.changed, found.removed, found.broken) == (("one", "three"), ("two",), ())
    assert titles(shelf) == {"one": "Another title", "three": "T"}


def test_a_broken_file_leaves_its_last_good_version_in_force(own: Folder):
    path = own.write("one")
    own.write("two")
    shelf = shelf_of(own)
    own.write("one", title="Broken", when="replica.aplier_running")
    own.write("two", title="Good")
    found = shelf.look()
    assert found is not None
    assert titles(shelf) == {"one": "T", "two": "Good"}
    [finding] = shelf.broken
    assert (finding.file, finding.line, finding.rule) == (str(path), 7, "unknown-field")
    own.write("one", title="Mended")
    mended = shelf.look()
    assert mended is not None
    assert (titles(shelf)["one"], mended.broken) == ("Mended", ())


@pytest.mark.parametrize("text", ["", "runbook: [", "a: b\n\tc", "x" * 300_000, "- &a [*a]"])
def test_rubbish_in_a_file_is_a_finding(own: Folder, text: str):
    path = own.write("one")
    shelf = shelf_of(own)
    path.write_text(text, encoding="utf-8")
    shelf.look()
    assert titles(shelf) == {"one": "T"}
    assert shelf.broken


def test_a_broken_file_at_the_start_is_left_out_and_told(own: Folder):
    own.write("one")
    own.write("two", when="nonsense(")
    shelf = shelf_of(own)
    assert titles(shelf) == {"one": "T"}
    assert len(shelf.broken) == 1
    with pytest.raises(RunbookError, match=r"two\.yml:7:"):
        shelf.whole()


def test_two_that_would_tie_are_not_taken_over(own: Folder):
    own.write("one")
    shelf = shelf_of(own)
    own.write("two", alert="one")
    shelf.look()
    assert titles(shelf) == {"one": "T"}
    assert [finding.rule for finding in shelf.broken] == ["equal-match"]


def test_a_name_that_is_not_the_files_place_is_a_finding(own: Folder):
    own.write("one").rename(own.path / "other.yml")
    assert [finding.rule for finding in shelf_of(own).broken] == ["name-mismatch"]


def test_a_later_folder_goes_over_an_earlier_one_and_gives_way_again(shipped: Folder, own: Folder):
    shipped.write("one", title="shipped")
    shipped.write("two", title="shipped")
    mine = own.write("one", title="own")
    shelf = shelf_of(shipped, own)
    assert titles(shelf) == {"one": "own", "two": "shipped"}
    mine.unlink()
    shelf.look()
    assert titles(shelf) == {"one": "shipped", "two": "shipped"}


def test_a_folder_that_is_gone_leaves_its_runbooks_in_force(own: Folder, tmp_path: Path):
    own.write("one")
    shelf = shelf_of(own)
    own.path.rename(tmp_path / "away")
    found = shelf.look()
    assert found is not None
    assert titles(shelf) == {"one": "T"}
    assert [finding.rule for finding in found.broken] == ["unreadable-file"]
    (tmp_path / "away").rename(own.path)
    again = shelf.look()
    assert again is not None
    assert again.broken == ()


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", folder, *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_commit_that_they_come_from_is_told(own: Folder):
    own.write("one")
    git(own.path, "init", "-q")
    git(own.path, "add", ".")
    git(own.path, "commit", "-qm", "one")
    commit = git(own.path, "log", "-1", "--format=%h")
    shelf = Shelf((own.path,), Path("/nowhere"))
    assert str(shelf.library.sources[0]) == f"1 from {own.path} (commit {commit})"
    own.write("one", title="changed")
    shelf.look()
    assert shelf.library.sources[0].version == f"commit {commit} with changes"


def test_without_a_repository_the_shipped_ones_tell_the_version(shipped: Folder, own: Folder):
    shipped.write("one")
    own.write("two")
    versions = [source.version for source in shelf_of(shipped, own).library.sources]
    assert versions[0].startswith("firstmate ")
    assert versions[1] == ""
