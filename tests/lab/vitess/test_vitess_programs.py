"""Vitess's programs come from PATH in a supported version, otherwise from a build that is complete or absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.errors import FirstmateError
from bot.lab.progress import NoProgress
from bot.lab.vitess import vitess_programs
from bot.lab.vitess.vitess_programs import NAMES, VitessPrograms, digest, find_vitess, shares

GO = """#!/bin/sh
case "$1" in
list) echo 'go: downloading vitess.io/vitess v0.24.0' >&2; printf 'one\\ntwo\\n' ;;
install) printf 'one\\ntwo\\n' >&2; [ ! -e "$0.fails" ] || { echo 'two.go:1: oh no' >&2; exit 1; }
  for name in %s; do printf '#!/bin/sh\\necho Version: 24.0.0\\n' >"$GOBIN/$name"; chmod +x "$GOBIN/$name"; done ;;
esac
""" % " ".join(NAMES)  # noqa: UP031 # a shell script has braces of its own


class Steps:
    """Stores the reported steps."""

    def __init__(self) -> None:
        self.told: list[tuple[str, float]] = []

    def step(self, text: str, done: float = 0.0) -> None:
        self.told.append((text, done))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The first folder on PATH, with a separate cache and without Vitess and Go of this machine."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", os.pathsep.join((str(folder), "/usr/bin", "/bin")))
    monkeypatch.setenv("FIRSTMATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(vitess_programs, "_GO", ())
    return folder


def _program(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def _on_path(folder: Path, version: str) -> None:
    for name in NAMES:
        _program(folder / name, f"#!/bin/sh\necho '{name} version Version: {version} (Git revision) built on x'\n")


def _cached(tmp_path: Path) -> list[str]:
    return sorted(each.name for each in (tmp_path / "cache").iterdir() if each.name != "lock")


def test_programs_on_path_are_used(path: Path):
    _on_path(path, "24.0.1")
    assert find_vitess(NoProgress()) == VitessPrograms({name: path / name for name in NAMES}, "24.0.1")


def test_programs_of_another_version_are_not_used(path: Path, tmp_path: Path):
    _on_path(path, "23.0.3")
    _program(path / "go", GO)
    found = find_vitess(NoProgress())
    assert found.version == "24.0.0"
    assert found.paths["vtorc"].parent == tmp_path / "cache" / f"vitess-{digest()}"


def test_a_missing_program_causes_a_build(path: Path, tmp_path: Path):
    _on_path(path, "24.0.0")
    (path / "vtorc").unlink()
    _program(path / "go", GO)
    assert find_vitess(NoProgress()).paths["vtgate"].is_relative_to(tmp_path / "cache")


def test_a_build_reports_its_progress_and_runs_once(path: Path, tmp_path: Path):
    _program(path / "go", GO)
    steps = Steps()
    first = find_vitess(steps)
    building = [done for text, done in steps.told if text.startswith("Building Vitess")]
    assert building == [0.0, 0.5, 1.0]
    assert _cached(tmp_path) == [f"vitess-{digest()}"]
    (path / "go").unlink()
    assert find_vitess(NoProgress()) == first


def test_a_failed_build_reports_its_output_and_leaves_no_finished_folder(path: Path, tmp_path: Path):
    _program(path / "go", GO)
    (path / "go.fails").touch()
    with pytest.raises(FirstmateError, match=r"Building Vitess failed: .*install exited with code 1.*two\.go:1: oh no"):
        find_vitess(NoProgress())
    assert _cached(tmp_path) == [f"vitess-{digest()}.part"]


def test_without_go_the_error_says_what_to_install(path: Path):
    with pytest.raises(
        FirstmateError, match=r"needs Go, which is not installed; install Go 1\.\d+\.\d+ or later, or put mysqlctl"
    ):
        find_vitess(NoProgress())


def test_the_progress_of_a_build_never_exceeds_one():
    assert list(shares(iter("abc"), 2)) == [0.5, 1.0, 1.0]
    assert list(shares(iter("a"), 0)) == [1.0]
