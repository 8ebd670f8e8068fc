"""equal-match: two runbooks match the same alert equally well, so both are asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bot.runbook.language.findings import Path, Problem
from bot.runbook.language.schema import Matching, Runbook
from bot.runbook.linting.rule import Rule, RunbookFile, Severity
from bot.runbook.matching.ambiguous_alerts import find_ties

ID = "equal-match"


def check_library(files: Sequence[RunbookFile], known: Mapping[str, Runbook]) -> Iterator[tuple[RunbookFile, Problem]]:
    """Looks for an alert that two runbooks match with the same specificity."""
    for tie in find_ties([file.runbook for file in files]):
        first, second = files[tie.first].runbook, files[tie.second]
        message = f"{first.runbook} matches the alert {tie.alert} equally well, so both would be asked"
        path = _path_of_alternative(second.runbook, tie.alternative)
        yield second, Problem(path, message, ID, "make one of them more specific")


def _path_of_alternative(runbook: Runbook, number: int) -> Path:
    """Alternatives are the items of `match`, or of `match.any`."""
    return ("match", "any", number) if isinstance(runbook.match, Matching) else ("match", number)


RULE = Rule(
    id=ID,
    severity=Severity.WARNING,
    description="Two runbooks match the same alert equally well, so both are asked.",
    passing="""\
# FILE team/lag.yml
runbook: team/lag
title: Replica lag
owner: datastores
match:
  - alertname = "ReplicaLag"
gather:
  replica: {use: mysql.replica_status, show: true}
# FILE team/stopped.yml
runbook: team/stopped
title: Replica lag
owner: datastores
match:
  - alertname = "ReplicaStopped"
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    failing="""\
# FILE team/lag.yml
runbook: team/lag
title: Replica lag
owner: datastores
match:
  - alertname = "ReplicaLag"
gather:
  replica: {use: mysql.replica_status, show: true}
# FILE team/stopped.yml
runbook: team/stopped
title: Replica lag
owner: datastores
match:
  - alertname = "ReplicaLag"
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    check_library=check_library,
)
