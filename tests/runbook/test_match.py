"""Which runbook answers an alert, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from bot.alerts import Alert, AlertStatus, Operator
from bot.runbook.match import Match, Tie, choose, explain
from bot.runbook.matchers import entry
from bot.runbook.schema import Runbook


def runbook(name: str, *match: object) -> Runbook:
    return Runbook.model_validate(
        {"runbook": name, "title": name, "owner": "me", "match": list(match), "gather": {"replica": "mysql.x"}}
    )


def alert(name: str = "", expression: str = "", **labels: str) -> Alert:
    url = f"http://prometheus:9090/graph?g0.expr={quote(expression)}&g0.tab=1" if expression else ""
    found = {**labels, **({"alertname": name} if name else {})}
    return Alert(found, AlertStatus.FIRING, datetime(2026, 1, 1, tzinfo=UTC), generator_url=url)


def chosen(runbooks: list[Runbook], asked: Alert) -> str | None:
    found = choose(runbooks, asked)
    assert not isinstance(found, Tie)
    return found.runbook.runbook if found else None


@pytest.mark.parametrize(
    ("written", "matchers"),
    [
        ('alertname = "A"', [("alertname", Operator.EQUAL, "A")]),
        ("alertname=A", [("alertname", Operator.EQUAL, "A")]),
        ('{alertname=~"A.*",}', [("alertname", Operator.REGEX, "A.*")]),
        ('a != "1", b !~ "x,y"', [("a", Operator.NOT_EQUAL, "1"), ("b", Operator.NOT_REGEX, "x,y")]),
        (['a = "1"', 'b = "2"'], [("a", Operator.EQUAL, "1"), ("b", Operator.EQUAL, "2")]),
        (r'a = "say \"x, y\"", b = "2"', [("a", Operator.EQUAL, 'say "x, y"'), ("b", Operator.EQUAL, "2")]),
    ],
)
def test_an_alternative_is_written_as_in_alertmanager(written, matchers):
    assert [(m.name, m.operator, m.value) for m in entry(written)] == matchers


@pytest.mark.parametrize("written", ["", "alertname", "= x", 'a =~ "("', [], 7, [7], "a" * 2000, {"a": "b"}])
def test_what_is_no_matcher_is_told(written):
    with pytest.raises(ValueError, match=r"."):
        entry(written)


def test_a_regular_expression_is_anchored():
    lag = runbook("lag", 'alertname =~ "Lag"')
    assert choose([lag], alert("MySQLLag")) is None
    assert chosen([lag], alert("Lag")) == "lag"


def test_alternatives_are_or_and_their_matchers_are_and():
    found = runbook("r", ['alertname = "A"', 'team = "db"'], 'alertname = "B"')
    assert choose([found], alert("A")) is None
    assert chosen([found], alert("A", team="db")) == "r"
    assert chosen([found], alert("B")) == "r"


def test_a_metric_matcher_reads_the_alerts_own_expression():
    found = runbook("r", 'metric = "mysql_up"')
    assert chosen([found], alert("Whatever", 'mysql_up{job="x"} == 0 and on() other > 1')) == "r"
    assert choose([found], alert("Whatever", "other == 0")) is None
    assert choose([found], alert("Whatever")) is None


def test_a_negative_metric_matcher_must_hold_for_all_metrics():
    found = runbook("r", ['alertname = "A"', 'metric != "b"'])
    assert choose([found], alert("A", "a + b")) is None
    assert chosen([found], alert("A", "a + c")) == "r"
    assert chosen([found], alert("A")) == "r"


LADDER = [
    ('alertname = "MySQLLag"', 'job = "x"'),
    ('alertname = "MySQLLag"',),
    ('alertname =~ "MySQL.*"', 'job = "x"'),
    ('alertname =~ "MySQL.*"',),
    ('metric = "mysql_lag"', 'job = "x"'),
    ('metric = "mysql_lag"',),
    ('metric =~ "mysql_.*"',),
    ('job = "x"', 'alertname != ""'),
    ('job = "x"',),
    ('alertname =~ ".*"',),
]


@pytest.mark.parametrize("place", range(len(LADDER) - 1))
def test_the_more_specific_wins(place):
    upper, lower = runbook("upper", list(LADDER[place])), runbook("lower", list(LADDER[place + 1]))
    asked = alert("MySQLLag", "mysql_lag > 5", job="x")
    assert chosen([lower, upper], asked) == "upper"
    assert chosen([upper, lower], asked) == "upper"


def test_the_best_of_a_runbooks_own_alternatives_counts():
    one = runbook("one", 'job = "x"', 'alertname = "A"')
    two = runbook("two", 'alertname =~ "A.*"')
    found = choose([one, two], alert("A", job="x"))
    assert isinstance(found, Match)
    assert found.runbook is one
    assert found.matcher == 'alertname = "A"'


def test_a_tie_names_both_and_chooses_neither():
    found = choose([runbook("b", 'alertname =~ "A.*"'), runbook("a", 'alertname =~ ".*A"')], alert("A"))
    assert isinstance(found, Tie)
    assert found.names == ("a", "b")


def test_every_runbook_says_why_it_does_or_does_not_match():
    runbooks = [
        runbook("none"),
        runbook("label", 'team = "db"'),
        runbook("metric", 'metric = "mysql_up"'),
        runbook("hit", 'alertname = "A"'),
    ]
    says = {each.runbook.runbook: (each.matches, each.says) for each in explain(runbooks, alert("A", "a > b"))}
    assert says["hit"] == (True, 'matches by alertname = "A"')
    assert says["none"] == (False, "answers no alert; a person runs it")
    assert says["label"] == (False, "team = \"db\" does not hold: the alert has no label 'team'")
    assert says["metric"] == (False, 'metric = "mysql_up" does not hold: the alert\'s expression reads a, b')
