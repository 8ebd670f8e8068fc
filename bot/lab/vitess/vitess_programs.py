"""Finds the programs of Vitess on PATH, or builds them once from Go modules into the cache.

Debian has no package of Vitess. go.mod and go.sum in this folder pin the versions and checksums of everything that is
built; the module proxy and all other settings of Go are the user's own.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.errors import FirstmateError
from bot.lab.progress import Reporter
from bot.lab.server_programs import cache_folder, cache_lock

NAMES = ("mysqlctl", "vtctld", "vtctldclient", "vtgate", "vtorc", "vttablet")
VERSION = re.compile(r"Version: (24\.\d+\.\d+)")
HERE = Path(__file__).parent
_BUILDING = "Building Vitess (once; takes some minutes)"
_GO = ("/usr/local/go/bin", "/usr/lib/go/bin")
"""Where Go is often installed without being on PATH."""


@dataclass(frozen=True)
class VitessPrograms:
    """The paths of the programs by name, and their version."""

    paths: dict[str, Path]
    version: str

    def __getitem__(self, name: str) -> str:
        return str(self.paths[name])


def find_vitess(progress: Reporter) -> VitessPrograms:
    """Returns the programs from PATH or the cache, or builds them: about five minutes on two processors.

    Raises FirstmateError when Go is not installed or the build fails.
    """
    found = _in_folders(os.environ.get("PATH", "").split(os.pathsep))
    if found is not None:
        return found
    cache = cache_folder()
    with cache_lock(cache, progress):
        folder = cache / f"vitess-{digest()}"
        if not folder.is_dir():
            _build(folder, progress)
    found = _in_folders([str(folder)])
    if found is None:
        raise FirstmateError(
            f"The Vitess programs in {folder} do not run on this machine; remove that folder and run the command again."
        )
    return found


def digest() -> str:
    """Returns the digest of go.mod and go.sum, after which the folder of the built programs is named."""
    return hashlib.sha256(b"".join((HERE / name).read_bytes() for name in ("go.mod", "go.sum"))).hexdigest()[:12]


def _in_folders(folders: Sequence[str]) -> VitessPrograms | None:
    """Returns the programs if all are present in the supported version, otherwise None."""
    search = os.pathsep.join(folders)
    paths = {name: Path(found).resolve() for name in NAMES if (found := shutil.which(name, path=search))}
    if len(paths) < len(NAMES):
        return None
    argv = [str(paths["vtctld"]), "--version"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = VERSION.search(done.stdout + done.stderr)
    return VitessPrograms(paths, version.group(1)) if version else None


def _build(folder: Path, progress: Reporter) -> None:
    """Builds the programs; the folder appears under its name once it is complete."""
    go = shutil.which("go", path=os.pathsep.join((os.environ.get("PATH", ""), *_GO)))
    wanted = re.search(r"(?m)^go (\S+)$", (HERE / "go.mod").read_text(encoding="utf-8"))
    assert wanted is not None
    if go is None:
        raise FirstmateError(
            f"Building Vitess needs Go, which is not installed; install Go {wanted.group(1)} or later, or put "
            f"{', '.join(NAMES)} of Vitess 24 on PATH, and run the command again."
        )
    work = folder.with_suffix(".part")
    shutil.rmtree(work, ignore_errors=True)
    (work / "bin").mkdir(parents=True)
    for name in ("go.mod", "go.sum"):
        shutil.copy(HERE / name, work / name)
    environment = {**os.environ, "GOBIN": str(work / "bin")}
    # Without symbols the programs are a third smaller.
    install = [go, "install", "-v", "-ldflags=-s -w", "tool"]
    packages = _count_packages(go, work, environment, progress)
    progress.step(_BUILDING)
    for share in shares(_lines(install, work, environment), packages):
        progress.step(_BUILDING, share)
    (work / "bin").rename(folder)
    shutil.rmtree(work, ignore_errors=True)


def _count_packages(go: str, work: Path, environment: dict[str, str], progress: Reporter) -> int:
    """Returns the number of Go packages to build; downloads missing modules on the way."""
    text = "Downloading the source of Vitess and its dependencies"
    progress.step(text)
    modules = (work / "go.mod").read_text(encoding="utf-8").count(" v")
    downloads = packages = 0
    for line in _lines([go, "list", "-deps", "tool"], work, environment):
        if line.startswith("go: downloading"):
            downloads += 1
            progress.step(text, min(1.0, downloads / modules))
        else:
            packages += 1
    return packages


def shares(lines: Iterator[str], packages: int) -> Iterator[float]:
    """Yields the finished share of a build after each line of its output, which names one of `packages` packages."""
    for done, _ in enumerate(lines, start=1):
        yield min(1.0, done / max(1, packages))


def _lines(argv: Sequence[str], folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """Yields the lines that the command prints; raises FirstmateError with the last ones when it fails."""
    tail: list[str] = []
    with subprocess.Popen(
        argv, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                tail = [*tail[-4:], line.strip()]
                yield line
        finally:
            # When the consumer stops, for example after Ctrl-C, the build is stopped, too.
            with suppress(ProcessLookupError):
                process.terminate()
    if process.returncode != 0:
        command = " ".join(argv[:2])
        raise FirstmateError(
            f"Building Vitess failed: {command} exited with code {process.returncode}: {' '.join(tail)[-600:]}"
        )
