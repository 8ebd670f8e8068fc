"""The choice of the runbook for an alert, and its explanation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from bot.alerts import Alert, AlertStatus, Operator, parse_labels
from bot.errors import WrongUsage
from bot.runbook.language.matcher_syntax import parse_alternative
from bot.runbook.language.schema import Runbook
from bot.runbook.matching.match import Match, Tie, choose, explain


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
def test_an_alternative_has_alertmanagers_syntax(written, matchers):
    assert [(m.name, m.operator, m.value) for m in parse_alternative(written)] == matchers


@pytest.mark.parametrize("written", ["", "alertname", "= x", 'a =~ "("', [], 7, [7], "a" * 2000, {"a": "b"}])
def test_an_invalid_matcher_is_rejected(written):
    with pytest.raises(ValueError, match=r"."):
        parse_alternative(written)


def test_a_regular_expression_is_anchored():
    lag = runbook("lag", 'alertname =~ "Lag"')
    assert choose([lag], alert("MySQLLag")) is None
    assert chosen([lag], alert("Lag")) == "lag"


def test_one_alternative_must_match_with_all_its_matchers():
    found = runbook("r", ['alertname = "A"', 'team = "db"'], 'alertname = "B"')
    assert choose([found], alert("A")) is None
    assert chosen([found], alert("A", team="db")) == "r"
    assert chosen([found], alert("B")) == "r"


def test_a_metric_matcher_reads_the_expression_of_the_alert():
    found = runbook("r", 'metric = "mysql_up"')
    assert chosen([found], alert("Whatever", 'mysql_up{job="x"} == 0 and on() other > 1')) == "r"
    assert choose([found], alert("Whatever", "other == 0")) is None
    assert choose([found], alert("Whatever")) is None


def test_a_negative_metric_matcher_must_match_all_metrics():
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
def test_the_more_specific_runbook_wins(place):
    upper, lower = runbook("upper", list(LADDER[place])), runbook("lower", list(LADDER[place + 1]))
    asked = alert("MySQLLag", "mysql_lag > 5", job="x")
    assert chosen([lower, upper], asked) == "upper"
    assert chosen([upper, lower], asked) == "upper"


def test_the_most_specific_matching_alternative_of_a_runbook_counts():
    one = runbook("one", 'job = "x"', 'alertname = "A"')
    two = runbook("two", 'alertname =~ "A.*"')
    found = choose([one, two], alert("A", job="x"))
    assert isinstance(found, Match)
    assert found.runbook is one
    assert found.matcher == 'alertname = "A"'


def test_a_tie_names_both_runbooks_and_chooses_neither():
    found = choose([runbook("b", 'alertname =~ "A.*"'), runbook("a", 'alertname =~ ".*A"')], alert("A"))
    assert isinstance(found, Tie)
    assert found.names == ("a", "b")


def test_the_explanation_has_a_reason_for_every_runbook():
    runbooks = [
        runbook("none"),
        runbook("label", 'team = "db"'),
        runbook("metric", 'metric = "mysql_up"'),
        runbook("hit", 'alertname = "A"'),
    ]
    says = {each.runbook.runbook: (each.matches, each.says) for each in explain(runbooks, alert("A", "a > b"))}
    assert says["hit"] == (True, 'matches by alertname = "A"')
    assert says["none"] == (False, "has no `match`, so it runs only when a person starts it")
    assert says["label"] == (False, "team = \"db\" does not match: the alert has no label 'team'")
    assert says["metric"] == (False, 'metric = "mysql_up" does not match: the alert\'s expression reads a, b')


def whole(name: str, *any_of: object, exceptions: tuple[object, ...] = (), priority: int = 0) -> Runbook:
    match = {"any": list(any_of), "not": list(exceptions), "priority": priority}
    return Runbook.model_validate(
        {"runbook": name, "title": name, "owner": "me", "match": match, "gather": {"replica": "mysql.x"}}
    )


def test_a_matching_exception_excludes_the_alert_with_a_reason():
    lag = whole("lag", 'alertname =~ ".*Lag"', exceptions=('alertname =~ "Kafka.*"', ('team = "web"', 'job != "x"')))
    assert chosen([lag], alert("MySQLLag")) == "lag"
    assert choose([lag], alert("KafkaLag")) is None
    assert choose([lag], alert("MySQLLag", team="web")) is None
    assert chosen([lag], alert("MySQLLag", team="web", job="x")) == "lag"
    [why] = explain([lag], alert("KafkaLag"))
    assert why.says == 'matches by alertname =~ ".*Lag", but is excluded by `not`: alertname =~ "Kafka.*"'


def test_priority_takes_precedence_over_specificity():
    exact = whole("exact", 'alertname = "A"')
    assert chosen([exact, whole("loud", 'alertname =~ ".*"', priority=1)], alert("A")) == "loud"
    assert chosen([exact, whole("fallback", 'alertname = "A"', priority=-1)], alert("A")) == "exact"


def test_a_runbook_below_priority_0_is_a_fallback():
    assert whole("r", 'a = "1"', priority=-1).is_fallback
    assert not whole("r", 'a = "1"').is_fallback
    assert not runbook("people").is_fallback


def test_a_matcher_can_match_an_annotation():
    found = runbook("r", ['alertname = "A"', 'annotation.runbook =~ ".*/lag"'])
    asked = alert("A")
    assert choose([found], asked) is None
    assert "the alert has no annotation 'annotation.runbook'" in explain([found], asked)[0].says
    assert chosen([found], replace(asked, annotations={"runbook": "https://wiki/lag"})) == "r"


def test_lookarounds_are_rejected_as_in_alertmanager():
    with pytest.raises(ValueError, match=r"invalid perl operator: \(\?!.*it is RE2's, as in Alertmanager"):
        parse_alternative('alertname =~ "conn(?!ect)"')


def test_a_catastrophic_regular_expression_is_matched_in_linear_time():
    assert choose([runbook("r", 'a =~ "(a+)+b"')], alert("A", a="a" * 300)) is None


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("alertname=A", {"alertname": "A"}),
        ("alertname=A,instance=db1:3306", {"alertname": "A", "instance": "db1:3306"}),
        ('{alertname="A", job = "x, y"}', {"alertname": "A", "job": "x, y"}),
        (r"a=1\,2,b=3", {"a": "1,2", "b": "3"}),
        ("alertname=“A”", {"alertname": "A"}),
        (r'a="say \"x\""', {"a": 'say "x"'}),
        ("a=", {"a": ""}),
    ],
)
def test_labels_are_parsed_in_all_usual_notations(text, labels):
    assert parse_labels(text) == labels


@pytest.mark.parametrize("text", ["", "{}", "alertname", "=x", "a=1,,b=2", "a b=1"])
def test_invalid_labels_are_rejected(text):
    with pytest.raises(WrongUsage, match=r"write alertname=MySQLDown"):
        parse_labels(text)
