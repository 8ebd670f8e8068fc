"""The server programs come from a signed suite of the machine's mirror, or from PATH."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import FirstmateError
from bot.lab import debian_packages as debian_mirror
from bot.lab import server_programs
from bot.lab.progress import NoProgress
from bot.lab.server_programs import BUNDLES, cache_folder, find_programs


@pytest.fixture
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH, and a separate cache."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("FIRSTMATE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def test_the_cache_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("FIRSTMATE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("FIRSTMATE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "firstmate" / "lab"


def test_without_apt_the_error_names_every_missing_program(empty_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server_programs, "_on_path", lambda names, pattern: None)
    with pytest.raises(FirstmateError) as refused:
        find_programs(NoProgress())
    for part in (
        "this machine has no apt",
        "mysqld (MySQL server 8.4 or 9.x)",
        "mariadbd",
        "install them and run the command again",
    ):
        assert part in str(refused.value)


def test_a_program_on_path_must_have_a_supported_version(empty_path: Path):
    program = empty_path / "mysqld"
    pattern = next(pattern for name, _, _, pattern, _ in server_programs._SOURCES if name == "mysqld")
    for version, fits in (("8.0.36", False), ("8.4.2", True), ("9.7.0", True), ("9.7.0-MariaDB", False)):
        program.write_text(f"#!/bin/sh\necho 'mysqld  Ver {version} for Linux on x86_64'\n")
        program.chmod(0o755)
        assert (server_programs._on_path(("mysqld", "mysqld"), pattern) is not None) is fits, version


@pytest.mark.skipif(not any(map(Path.exists, debian_mirror.KEYRINGS)), reason="not a Debian")
def test_apt_uses_its_own_folders_and_checks_signatures(tmp_path: Path):
    options = debian_mirror.apt_options(tmp_path, BUNDLES[0], "mirror")
    assert "APT::Get::AllowUnauthenticated=false" in options
    assert f"Dir::State={tmp_path / 'state'}" in options
    source = (tmp_path / "sources.list").read_text(encoding="utf-8")
    assert source.startswith("deb [signed-by=/usr/share/keyrings/debian-archive-keyring.")
    assert "trusted=yes" not in source
