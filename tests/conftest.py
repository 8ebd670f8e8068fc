"""What all tests may use, the order in which they run, and where their files are."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

# Its own hook would load it late, deep in the stack, where ast.parse of CPython 3.11 fails at times.
import hypothesis  # noqa: F401
import pytest

# Tests start many Python processes: each would compile the whole program again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

pytest_plugins = [
    "tests.browser_fixture",
    "tests.lab_fixture",
    "tests.postgresql_fixture",
    "tests.proxysql_fixture",
    "tests.store_fixture",
    "tests.vitess_fixture",
]

WHOLE = Path(__file__).parent / "e2e"
MEMORY = Path("/dev/shm")
ROOM = 10 * 1024**3
"""Bytes that must be free in memory for the files of the tests: three labs take 3 GB, the servers as much again."""


STARTS = {"browser", "connected", "lab", "postgresql", "proxysql", "store_url", "vitess_lab", "workspace"}
"""The fixtures that start a server or another process."""
CLUSTER = ("lab/vitess/test_cluster.py", "actions", "fleet", "e2e", "lab/vitess")
"""The order on the one cluster that the tests of Vitess share: first what it is when it is new, last what breaks it."""


def _on_cluster(path: Path) -> int:
    here = path.relative_to(Path(__file__).parent).as_posix()
    return next(number for number, part in enumerate(CLUSTER) if here.startswith(part))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Puts temporary files into memory where there is room: the servers and stores of the tests sync them all the time.

    A TMPDIR of one's own, or --basetemp, takes precedence.
    """
    if "TMPDIR" not in os.environ and _has_room():
        tempfile.tempdir = os.environ["TMPDIR"] = str(MEMORY)


def _has_room() -> bool:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
        return os.access(MEMORY, os.W_OK) and min(available, shutil.disk_usage(MEMORY).free) > ROOM
    except (OSError, StopIteration):
        return False


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks what starts a server or another process, by the fixtures that it asks for."""
    chosen = getattr(getattr(item, "callspec", None), "params", {}).values()
    if "postgresql" in chosen or not STARTS.isdisjoint(getattr(item, "fixturenames", ())):
        item.add_marker(pytest.mark.server)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the files of the whole program first, then those that need the lab, then the quick ones.

    The workers take file after file, and the last ones to be taken should be short.
    """
    need_the_lab = {item.path for item in items if item.get_closest_marker("lab")}

    def haste(item: pytest.Item) -> int:
        if item.get_closest_marker("vitess"):
            return _on_cluster(item.path)
        return 0 if item.path.is_relative_to(WHOLE) else 1 if item.path in need_the_lab else 2

    items.sort(key=haste)
