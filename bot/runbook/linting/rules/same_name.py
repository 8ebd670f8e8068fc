"""same-name: two files define the same runbook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.runbook.language.findings import Problem
from bot.runbook.linting.rule import Rule, RunbookFile, Severity

ID = "same-name"


def check_folder(files: Sequence[RunbookFile]) -> Iterator[tuple[RunbookFile, Problem]]:
    """Yields every file of one folder whose runbook an earlier file defines."""
    seen: dict[str, str] = {}
    for file in files:
        name = file.runbook.runbook
        if name in seen:
            yield file, Problem(("runbook",), f"Runbook {name!r} is also defined in {seen[name]}", ID)
        seen.setdefault(name, file.file)


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="Two files define the same runbook.",
    passing="""\
# FILE team/lag.yml
runbook: team/lag
title: Replica lag
owner: datastores
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    failing="""\
# FILE team/lag.yml
runbook: team/lag
title: Replica lag
owner: datastores
gather:
  replica: {use: mysql.replica_status, show: true}
# FILE team/lag.yaml
runbook: team/lag
title: Replica lag
owner: datastores
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    check_folder=check_folder,
)
