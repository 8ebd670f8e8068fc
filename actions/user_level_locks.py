"""Reads who holds the user-level locks (GET_LOCK) that sessions wait for, where metadata locks are not recorded."""

from __future__ import annotations

import re

from actions.contract import MySQL
from actions.server_versions import processlist
from actions.session_waits import kind_of
from actions.wait_roots import Queue

MOST_NAMES = 10
"""Locks whose holders are read at most; each needs a statement."""
KIND = "user_level_lock"
_NAME = re.compile(r"GET_LOCK\s*\(\s*(?:'([^'\\]{1,64})'|\"([^\"\\]{1,64})\")\s*,", re.IGNORECASE)


def lock_names(statement: str) -> tuple[str, ...]:
    """Returns the names of the locks that a statement asks for, where it gives them as literals; each once.

    MariaDB tells names in upper case from those in lower case (seen in 10.11), so they stay as they are.
    """
    return tuple(dict.fromkeys(each[0] or each[1] for each in _NAME.findall(statement)))


def read_user_level_locks(db: MySQL) -> dict[int, list[Queue]]:
    """Returns the queue of each session that waits for a user-level lock whose holder IS_USED_LOCK() names.

    A statement that asks for several locks, or for one whose name is no literal, is left out.
    """
    rows = db.rows(
        f"SELECT ID AS id, STATE AS state, INFO AS info FROM {processlist(db.version)} "
        "WHERE STATE LIKE '%ser lock' AND INFO IS NOT NULL LIMIT 200"
    )
    waiting: dict[str, list[int]] = {}
    for row in rows:
        names = lock_names(str(row["info"]))
        if kind_of(row["state"]) == KIND and len(names) == 1:
            waiting.setdefault(names[0], []).append(int(row["id"]))
    found: dict[int, list[Queue]] = {}
    for name, ids in [*waiting.items()][:MOST_NAMES]:
        held = db.rows("SELECT IS_USED_LOCK(%s) AS holder", (name,))
        if held and held[0]["holder"]:
            queue = Queue(KIND, name, len(ids), (int(held[0]["holder"]),))
            found.update({session: [queue] for session in ids})
    return found
