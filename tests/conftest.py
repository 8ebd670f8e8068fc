"""What all tests may use, and the order in which they run."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = [
    "tests.browser_fixture",
    "tests.lab_fixture",
    "tests.postgresql_fixture",
    "tests.proxysql_fixture",
    "tests.store_fixture",
    "tests.vitess_fixture",
]

WHOLE = Path(__file__).parent / "e2e"


CLUSTER = ("lab/vitess/test_cluster.py", "actions", "fleet", "e2e", "lab/vitess")
"""The order on the one cluster that the tests of Vitess share: first what it is when it is new, last what breaks it."""


def _on_cluster(path: Path) -> int:
    here = path.relative_to(Path(__file__).parent).as_posix()
    return next(number for number, part in enumerate(CLUSTER) if here.startswith(part))


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
