"""Measures the linter on many generated runbooks: `python -m bot.lab.benchmarks.lint [COUNT]`, or `make bench-lint`.

Every runbook has its own names and limits, so that no two share an expression. None has an error.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from bot.runbook.linting.lint_files import lint_paths

COUNT = 500

HEAD = """\
runbook: team-{team}/service-{n}
title: Service {n} is in trouble
owner: team-{team}

match:
  - alertname = "Service{n}Slow", team = "team-{team}"
  - alertname =~ "(?i)service{n}(lag|lock|full).*"

inputs:
  limit: {{type: seconds, default: {n}s, says: From how far behind a replica is late.}}
  full: {{type: percent, default: 80%}}

gather:
  replica_{n}: mysql.replica_status
  siblings_{n}: {{use: mysql.replica_status, on: replicas}}
  locks_{n}: {{use: mysql.wait_graph, when: not replica_{n}.configured or replica_{n}.delay == 0}}
  use_{n}: mysql.connection_use
  writers_{n}:
    use: mysql.long_transactions
    on: primary
    with: {{older_than: "{{{{ inputs.limit }}}}"}}

causes:
"""
CAUSE = """\
  - id: {name}_{k}
    when: >-
      {when} and use_{n}.connected >= {k}
      and replica_{n}.receiver_errno not in [{n}, {k}3, 1236]
    says: >-
      Cause {k} of service {n}: {says}; {{{{ use_{n}.connected | plural("session") }}}} of
      {{{{ use_{n}.max_connections }}}}, the error is {{{{ replica_{n}.applier_error or "none" }}}}.
    remedy: {remedy}
"""
KINDS = {
    "late": (
        "replica_{n}.lag is known and replica_{n}.lag > inputs.limit + {k}",
        "{{{{ replica_{n}.lag | duration }}}} behind",
        "raise_limit",
        "replica_{n}: {{lag: 1h, configured: true}}",
    ),
    "stopped": (
        'replica_{n}.applier_running == "No" and replica_{n}.applier_errno in [{k}, 1205, 1213]',
        "stopped with error {{{{ replica_{n}.applier_errno }}}}",
        "start",
        "replica_{n}: {{configured: true, applier_errno: {k}}}",
    ),
    "blocked": (
        "locks_{n}.waiting > {k} and locks_{n}.holders and locks_{n}.holders[0].idle",
        "session {{{{ locks_{n}.holders[0].thread_id }}}} of {{{{ locks_{n}.holders[0].user }}}} holds a lock",
        "end",
        "locks_{n}: {{waiting: 99, holders: [{{thread_id: {n}, user: app, idle: true}}]}}",
    ),
    "full": (
        "use_{n}.used >= inputs.full and (use_{n}.users | largest(\"sleeping\")).sleeping > {k} + 10",
        "{{{{ use_{n}.used }}}}% are taken",
        "raise_limit",
        "use_{n}: {{used: 95%, connected: 95, users: [{{user: app, sleeping: 90}}]}}",
    ),
    "written": (
        'writers_{n}.transactions | where("rows_modified", ">=", {n}000) | length > {k}',
        "{{{{ writers_{n}.transactions | length | plural(\"transaction\") }}}} write",
        "raise_limit",
        "writers_{n}: {{transactions: [{{thread_id: 1, rows_modified: 99}}]}}",
    ),
    "alone": (
        'siblings_{n} | where("delay", ">", inputs.limit) | length < {k} and replica_{n}.delay > {k}',
        "the others follow",
        "start",
        "siblings_{n}: [{{configured: true}}]",
    ),
}  # fmt: skip
REMEDIES = """\
remedies:
  raise_limit:
    use: mysql.set_variable
    with:
      name: max_connections
      value: "{{{{ (use_{n}.max_connections * 1.5) | round }}}}"
      revert_after: "{{{{ inputs.limit }}}}"
  start: {{use: mysql.start_replica, with: {{thread: applier}}}}
  end:
    use: mysql.kill_connection
    with:
      thread_id: "{{{{ locks_{n}.holders[0].thread_id }}}}"
      user: "{{{{ locks_{n}.holders[0].user }}}}"
      transaction_started: "{{{{ locks_{n}.holders[0].started }}}}"
      command_since: "{{{{ locks_{n}.holders[0].command_since }}}}"

tests:
"""
TEST = """\
  - name: cause {k}
    given: {{{given}}}
    expect: {{cause: {name}_{k}, remedy: {remedy}}}
"""


def runbook_text(n: int) -> str:
    """Returns the text of one runbook: five steps, six causes, three remedies and one test per cause."""
    named = [(name, k, *(part.format(n=n, k=k) for part in parts)) for k, (name, parts) in enumerate(KINDS.items(), 1)]
    causes = [
        CAUSE.format(name=name, k=k, n=n, when=when, says=says, remedy=remedy)
        for name, k, when, says, remedy, _ in named
    ]
    tests = [TEST.format(name=name, k=k, remedy=remedy, given=given) for name, k, _, _, remedy, given in named]
    return "".join([HEAD.format(n=n, team=n % 20), *causes, REMEDIES.format(n=n), *tests])


def write_runbooks(folder: Path, count: int) -> None:
    """Writes `count` runbooks into a folder."""
    for number in range(1, count + 1):
        path = folder / f"team-{number % 20}" / f"service-{number}.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(runbook_text(number), encoding="utf-8")


def main() -> int:
    """Runs the linter and prints its time and the size of its input."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with tempfile.TemporaryDirectory() as folder:
        write_runbooks(Path(folder), count)
        begun = time.perf_counter()
        report = lint_paths([Path(folder)], lambda: ())
        took = time.perf_counter() - begun
    lines = sum(text.count("\n") for text in report.texts.values())
    sys.stdout.write(f"{report.files} runbooks, {lines:,} lines: {took:.2f} s, {len(report.findings)} findings\n")
    for finding in report.findings[:5]:
        sys.stdout.write(f"  {finding}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
