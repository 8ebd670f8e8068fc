"""wrong-place: an action cannot run on the instances that `on` selects."""

from __future__ import annotations

from collections.abc import Iterator

from actions.contract import MySQL, ProxySQL
from actions.vitess_contract import Vitess
from bot.runbook.language.findings import Problem
from bot.runbook.language.schema_base import Selector
from bot.runbook.linting.analysis import ActionUse, Analysis
from bot.runbook.linting.rule import Rule, Severity

ID = "wrong-place"


def check(analysis: Analysis) -> Iterator[Problem]:
    """Compares the kind of instances that `on` selects with the kind that the action is for."""
    for use in analysis.uses:
        if use.location != "target":  # which may be of any kind
            yield from _misplaced(use)


def _misplaced(use: ActionUse) -> Iterator[Problem]:
    path = (*use.location_path, "on")
    if use.action.startswith("prometheus."):
        message = "Prometheus is queried once for all instances"
        yield Problem(path, message, ID, "remove `on` and select instances in the query")
    on_proxies = use.location == "proxies" or (isinstance(use.location, Selector) and use.location.role == "proxy")
    if use.reader is ProxySQL and not on_proxies:
        yield Problem(path, f"{use.action} is for ProxySQL; `on` selects database servers", ID, "use `on: proxies`")
    if use.reader in (MySQL, Vitess) and on_proxies:
        kind = "Vitess tablets" if use.reader is Vitess else "database servers"
        yield Problem(path, f"{use.action} is for {kind}; `on` selects proxies", ID)


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="An action cannot run on the instances that `on` selects.",
    passing="""\
gather:
  backends: {use: proxysql.backends, on: proxies, show: true}
""",
    failing="""\
gather:
  backends: {use: proxysql.backends, on: replicas, show: true}
""",
    check=check,
)
