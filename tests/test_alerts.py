"""Alerts, their fingerprints, the metrics of their expressions, and Alertmanager's matcher syntax."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest

from bot.alerts import Operator, metrics_of, parse_matcher
from bot.errors import WrongUsage
from tests import samples

EXPRESSIONS = [
    ("mysql_up == 0", {"mysql_up"}),
    (
        "max_over_time(mysql_global_status_threads_connected[1m]) / mysql_global_variables_max_connections * 100 > 80",
        {"mysql_global_status_threads_connected", "mysql_global_variables_max_connections"},
    ),
    (
        "(mysql_slave_status_slave_io_running and ON (instance) mysql_slave_status_master_server_id > 0) == 0",
        {"mysql_slave_status_slave_io_running", "mysql_slave_status_master_server_id"},
    ),
    (
        "(instance:mysql_slave_lag_seconds > 30) and on(instance) "
        "(predict_linear(instance:mysql_slave_lag_seconds[5m], 60 * 2) > 0)",
        {"instance:mysql_slave_lag_seconds"},
    ),
    ('sum by (job, instance) (rate(up{job=~"mysql.*|up2"}[5m] offset 1h)) > bool 0', {"up"}),
    ("", set()),
]


@pytest.mark.parametrize(("expression", "metrics"), EXPRESSIONS)
def test_the_metrics_of_an_expression_are_its_names_without_functions_labels_and_words(expression, metrics):
    assert metrics_of(expression) == metrics


def test_an_alert_carries_its_expression_in_the_generator_url():
    url = f"http://prometheus:9090/graph?g0.expr={quote('mysql_up == 0')}&g0.tab=1"
    assert samples.alert(generator_url=url).metrics == {"mysql_up"}


@pytest.mark.parametrize("url", ["", "not a url", "http://[", "http://p/graph?g0.tab=1"])
def test_a_generator_url_without_an_expression_has_no_metrics(url):
    assert samples.alert(generator_url=url).metrics == frozenset()


def test_the_fingerprint_is_of_the_labels_alone():
    one = samples.alert()
    assert replace(one, annotations={"summary": "x"}).fingerprint == one.fingerprint
    assert replace(one, labels={**one.labels, "instance": "other"}).fingerprint != one.fingerprint
    assert replace(one, labels=dict(reversed(list(one.labels.items())))).fingerprint == one.fingerprint


MATCHERS = [
    ('alertname="MySQLDown"', "MySQLDown", True),
    ("alertname = MySQLDown", "MySQLDown", True),
    ('alertname!="MySQLDown"', "MySQLDown", False),
    ('alertname =~ "MySQL.*"', "MySQLDown", True),
    ('alertname =~ "MySQL"', "MySQLDown", False),
    ('alertname !~ "Postgres.*"', "MySQLDown", True),
    ('alertname = "say \\"hi\\""', 'say "hi"', True),
    ('alertname = ""', "", True),
]


@pytest.mark.parametrize(("text", "value", "accepts"), MATCHERS)
def test_matchers_mean_what_they_mean_in_alertmanager(text, value, accepts):
    assert parse_matcher(text).accepts(value) is accepts


def test_a_matcher_is_written_back_in_one_way():
    assert str(parse_matcher('a=~"b.*"')) == 'a =~ "b.*"'
    assert parse_matcher('a!="x"').operator is Operator.NOT_EQUAL


@pytest.mark.parametrize("text", ["", "alertname", 'alertname == "x"', '="x"', 'a="x', "a=b c", 'a=~"("'])
def test_what_is_not_a_matcher_is_refused_with_its_text(text):
    with pytest.raises(WrongUsage) as refused:
        parse_matcher(text)
    assert repr(text) in str(refused.value)
