"""Finds the server programs of the lab: Debian packages from the machine's mirror, otherwise programs on PATH.

Packages are unpacked into a cache that all checkouts share. The programs run from there, with the dynamic loader and
the libraries of the unpacked packages.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
from pathlib import Path

from bot.errors import FirstmateError, Unreachable
from bot.lab.debian_packages import PackageBundle, unpack_bundle
from bot.lab.progress import Reporter

UNSTABLE = PackageBundle(
    "unstable",
    (
        "mysql-server-core",
        "prometheus",
        "prometheus-alertmanager",
        "prometheus-mysqld-exporter",
        "prometheus-node-exporter",
    ),
)
BOOKWORM = PackageBundle("bookworm", ("mariadb-server-core",))
TRIXIE = PackageBundle("trixie", ("mariadb-server-core",))
VITESS = PackageBundle("unstable", ("etcd-server", "mysql-client-core"))
"""What a Vitess cluster needs besides Vitess itself, for which Debian has no package."""
BUNDLES = (UNSTABLE, BOOKWORM, TRIXIE)


@dataclass(frozen=True)
class ServerProgram:
    """A server program: `argv` starts it; `prefix` is the folder with its share/ and lib/."""

    argv: tuple[str, ...]
    prefix: Path
    version: str


@dataclass(frozen=True)
class ServerPrograms:
    """All programs of the lab, and the cache folder for data directories made with them."""

    mysqld: ServerProgram
    mariadbd: ServerProgram
    mariadbd_newer: ServerProgram
    """A later major version; the same as `mariadbd` when no other is available."""
    prometheus: ServerProgram
    alertmanager: ServerProgram
    mysqld_exporter: ServerProgram
    node_exporter: ServerProgram
    cache: Path


_SHARE = "/usr/share/prometheus"

ProgramSource = tuple[str, PackageBundle, str, str, str]
"""Name, bundle, path in the bundle, pattern of `--version`, and the package to install on machines without apt."""

_VITESS_SOURCES: tuple[ProgramSource, ...] = (
    ("etcd", VITESS, "usr/bin/etcd", r"etcd Version: (3\.\d+\.\d+)", "etcd 3.5"),
    ("mysqladmin", VITESS, "usr/bin/mysqladmin", r".*\b((?:8\.4|9\.\d+)\.\d+)", "MySQL client 8.4 or 9.x"),
)
_SOURCES: tuple[ProgramSource, ...] = (
    ("mysqld", UNSTABLE, "usr/sbin/mysqld", r"(?i)(?!.*mariadb).*\b((?:8\.4|9\.\d+)\.\d+)", "MySQL server 8.4 or 9.x"),
    ("mariadbd", BOOKWORM, "usr/sbin/mariadbd", r"(?i).*\b(1[01]\.\d+\.\d+)-MariaDB", "MariaDB server 10.6 to 11"),
    ("mariadbd_newer", TRIXIE, "usr/sbin/mariadbd", r"(?i).*\b(11\.\d+\.\d+)-MariaDB", "MariaDB server 11"),
    ("prometheus", UNSTABLE, "usr/bin/prometheus", r"prometheus, version (\d+\.\d+\.\d+)", "Prometheus"),
    (
        "alertmanager",
        UNSTABLE,
        "usr/bin/prometheus-alertmanager",
        r"alertmanager, version (\d+\.\d+\.\d+)",
        "Alertmanager",
    ),
    (
        "mysqld_exporter",
        UNSTABLE,
        "usr/bin/prometheus-mysqld-exporter",
        r"mysqld_exporter, version (\d+\.\d+\.\d+)",
        "mysqld_exporter",
    ),
    (
        "node_exporter",
        UNSTABLE,
        "usr/bin/prometheus-node-exporter",
        r"node_exporter, version (\d+\.\d+\.\d+)",
        "node_exporter",
    ),
)


def cache_folder() -> Path:
    """Returns the cache folder that all checkouts share: $FIRSTMATE_CACHE, otherwise ~/.cache/firstmate/lab."""
    named = os.environ.get("FIRSTMATE_CACHE")
    if named:
        return Path(named).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().resolve() / "firstmate" / "lab"


@contextmanager
def cache_lock(cache: Path, progress: Reporter) -> Iterator[None]:
    """Locks the cache for this checkout; waits while another one holds the lock, and reports that."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as handle:
        try:
            flock(handle, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            progress.step("Waiting for another checkout to fill the cache")
            flock(handle, LOCK_EX)
        try:
            yield
        finally:
            flock(handle, LOCK_UN)


def find_programs(progress: Reporter) -> ServerPrograms:
    """Returns the programs, downloading those that are not cached; raises FirstmateError when one is not available."""
    return ServerPrograms(cache=cache_folder(), **_find(_SOURCES, progress))


def find_for_vitess(progress: Reporter) -> tuple[ServerProgram, ServerProgram]:
    """Returns etcd and mysqladmin, downloaded if not cached; raises FirstmateError when one is not available.

    Vitess uses mysqladmin to shut a MySQL server down, for example for a backup.
    """
    found = _find(_VITESS_SOURCES, progress)
    return found["etcd"], found["mysqladmin"]


def _find(sources: Sequence[ProgramSource], progress: Reporter) -> dict[str, ServerProgram]:
    cache = cache_folder()
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return _from_path(sources, "this machine has no apt")
    with cache_lock(cache, progress):
        try:
            roots = {bundle: unpack_bundle(cache, bundle, progress) for _, bundle, *_ in sources}
        except Unreachable as error:
            return _from_path(sources, str(error))
        # Still under the lock: a relocated program must not be run while another checkout writes it.
        return {name: _in_root(roots[bundle], path, pattern) for name, bundle, path, pattern, _ in sources}


def _in_root(root: Path, path: str, pattern: str) -> ServerProgram:
    """Returns a program of an unpacked tree; raises FirstmateError when it does not run on this machine."""
    loaders = (*sorted(root.glob("usr/lib*/ld-linux*.so.*")), *sorted(root.glob("lib*/ld-linux*.so.*")))
    libraries = (*sorted(root.glob("usr/lib/*-linux-gnu*")), *sorted(root.glob("lib/*-linux-gnu*")))
    if not loaders:
        raise FirstmateError(
            f"The unpacked packages in {root} have no dynamic loader; remove that folder and run the command again."
        )
    argv: tuple[str, ...] = (
        str(loaders[0]),
        "--library-path",
        ":".join(map(str, libraries)),
        str(_relocated(root, root / path)),
    )
    share = root / _SHARE.lstrip("/")
    if share.is_dir():
        argv = ("/usr/bin/env", f"--chdir={share}", *argv)
    version = _version(argv, pattern)
    if version is None:
        raise FirstmateError(
            f"{root / path} does not run on this machine, or its version is not supported; "
            f"remove {root} and run the command again to download it anew."
        )
    return ServerProgram(argv, root / "usr", version)


def _relocated(root: Path, binary: Path) -> Path:
    """Returns the program, or a patched copy that looks for its data in its working directory.

    Debian's Alertmanager does not start without its templates in /usr/share/prometheus. The copy has that path replaced
    by one of the same length which leads to the working directory; the lab starts it in the unpacked tree.
    """
    if not (root / _SHARE.lstrip("/")).is_dir():
        return binary
    copy = binary.with_name(f"{binary.name}.lab")
    if copy.exists():
        return copy
    content = binary.read_bytes()
    if _SHARE.encode() not in content:
        return binary
    part = binary.with_name(f"{binary.name}.part")
    part.write_bytes(content.replace(_SHARE.encode(), b"/proc/self/cwd".ljust(len(_SHARE), b"/")))
    part.chmod(0o755)
    part.rename(copy)
    return copy


def _from_path(sources: Sequence[ProgramSource], why: str) -> dict[str, ServerProgram]:
    found: dict[str, ServerProgram] = {}
    missing: list[str] = []
    for name, _, path, pattern, package in sources:
        program = _on_path((name, Path(path).name), pattern)
        if program is None:
            missing.append(f"{name} ({package})")
        else:
            found[name] = program
    if "mariadbd" in found:
        found.setdefault("mariadbd_newer", found["mariadbd"])
        missing = [each for each in missing if not each.startswith("mariadbd_newer ")]
    if missing:
        raise FirstmateError(
            f"The lab cannot download its servers ({why}), and these are not on PATH: {', '.join(missing)}; "
            "install them and run the command again."
        )
    return found


def _on_path(names: tuple[str, str], pattern: str) -> ServerProgram | None:
    search = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    for name in names:
        where = shutil.which(name, path=search)
        if where is not None:
            version = _version((where,), pattern)
            if version is not None:
                return ServerProgram((where,), Path(where).resolve().parent.parent, version)
    return None


def _version(argv: tuple[str, ...], pattern: str) -> str | None:
    """Returns the version that the program prints; None when it does not match the pattern."""
    try:
        done = subprocess.run([*argv, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(pattern, (done.stdout + done.stderr).strip().splitlines()[0] if done.stdout + done.stderr else "")
    return found.group(1) if found else None
