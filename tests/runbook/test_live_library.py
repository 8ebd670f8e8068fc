"""Runbooks are reloaded when their files change while the bot runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bot.errors import RunbookError
from bot.runbook.library.live_library import LiveLibrary

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


def titles(live_library: LiveLibrary) -> dict[str, str]:
    return {runbook.runbook: runbook.title for runbook in live_library.library.runbooks}


def shelf_of(*folders: Folder) -> LiveLibrary:
    return LiveLibrary(tuple(folder.path for folder in folders), folders[0].path)


def test_a_refresh_without_changes_returns_none(own: Folder):
    own.write("one")
    live_library = shelf_of(own)
    assert titles(live_library) == {"one": "T"}
    assert live_library.refresh() is None


def test_new_changed_and_removed_runbooks_are_put_into_force(own: Folder):
    own.write("one")
    gone = own.write("two")
    live_library = shelf_of(own)
    own.write("one", title="Another title")
    own.write("three")
    gone.unlink()
    found = live_library.refresh()
    assert found is not None
    assert (found.changed, found.removed, found.broken) == (("one", "three"), ("two",), ())
    assert titles(live_library) == {"one": "Another title", "three": "T"}


def test_an_invalid_file_leaves_its_last_valid_version_in_force(own: Folder):
    path = own.write("one")
    own.write("two")
    live_library = shelf_of(own)
    own.write("one", title="Broken", when="replica.aplier_running")
    own.write("two", title="Good")
    found = live_library.refresh()
    assert found is not None
    assert titles(live_library) == {"one": "T", "two": "Good"}
    [finding] = live_library.broken
    assert (finding.file, finding.line, finding.rule) == (str(path), 7, "unknown-field")
    own.write("one", title="Mended")
    mended = live_library.refresh()
    assert mended is not None
    assert (titles(live_library)["one"], mended.broken) == ("Mended", ())


@pytest.mark.parametrize("text", ["", "runbook: [", "a: b\n\tc", "x" * 300_000, "- &a [*a]"])
def test_an_unreadable_file_has_a_finding(own: Folder, text: str):
    path = own.write("one")
    live_library = shelf_of(own)
    path.write_text(text, encoding="utf-8")
    live_library.refresh()
    assert titles(live_library) == {"one": "T"}
    assert live_library.broken


def test_an_invalid_file_at_the_start_is_skipped_and_reported(own: Folder):
    own.write("one")
    own.write("two", when="nonsense(")
    live_library = shelf_of(own)
    assert titles(live_library) == {"one": "T"}
    assert len(live_library.broken) == 1
    with pytest.raises(RunbookError, match=r"two\.yml:7:"):
        live_library.require_valid()


def test_a_runbook_that_ties_with_another_is_put_into_force_as_both_are_asked(own: Folder):
    own.write("one")
    live_library = shelf_of(own)
    own.write("two", alert="one")
    live_library.refresh()
    assert titles(live_library) == {"one": "T", "two": "T"}
    assert live_library.broken == ()


def test_a_runbook_not_named_after_its_path_has_a_finding(own: Folder):
    own.write("one").rename(own.path / "other.yml")
    assert [finding.rule for finding in shelf_of(own).broken] == ["name-mismatch"]


def test_a_runbook_of_a_later_folder_replaces_its_namesake_until_it_is_removed(shipped: Folder, own: Folder):
    shipped.write("one", title="shipped")
    shipped.write("two", title="shipped")
    mine = own.write("one", title="own")
    live_library = shelf_of(shipped, own)
    assert titles(live_library) == {"one": "own", "two": "shipped"}
    mine.unlink()
    live_library.refresh()
    assert titles(live_library) == {"one": "shipped", "two": "shipped"}


def test_runbooks_of_a_missing_folder_stay_in_force(own: Folder, tmp_path: Path):
    own.write("one")
    live_library = shelf_of(own)
    own.path.rename(tmp_path / "away")
    found = live_library.refresh()
    assert found is not None
    assert titles(live_library) == {"one": "T"}
    assert [finding.rule for finding in found.broken] == ["unreadable-file"]
    (tmp_path / "away").rename(own.path)
    again = live_library.refresh()
    assert again is not None
    assert again.broken == ()


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", folder, *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.server
def test_the_source_names_the_commit(own: Folder):
    own.write("one")
    git(own.path, "init", "-q")
    git(own.path, "add", ".")
    git(own.path, "commit", "-qm", "one")
    commit = git(own.path, "log", "-1", "--format=%h")
    live_library = LiveLibrary((own.path,), Path("/nowhere"))
    assert str(live_library.library.sources[0]) == f"1 from {own.path} (commit {commit})"
    own.write("one", title="changed")
    live_library.refresh()
    assert live_library.library.sources[0].version == f"commit {commit} with changes"


def test_without_a_repository_the_source_of_shipped_runbooks_names_the_version(shipped: Folder, own: Folder):
    shipped.write("one")
    own.write("two")
    versions = [source.version for source in shelf_of(shipped, own).library.sources]
    assert versions[0].startswith("firstmate ")
    assert versions[1] == ""
