"""Names of workloads in the comments of statements; the comments are text from outside."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.workload_names import LONGEST, plain_name, workload_of

ALPHABET = re.compile(r"[A-Za-z0-9_.:/#?+-]*")


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("SELECT 1 /*application='shop',controller='orders',action='show'*/", "shop/orders#show"),
        (
            "SELECT 1 /*action='%2Fpolls',controller='index',framework='django%3A2.2.1',traceparent='00-5b'*/",
            "index#polls",
        ),
        ("/* application:Shop,controller:orders,action:show */ SELECT 1", "Shop/orders#show"),
        ("SELECT 1 /* job='purge' */", "job:purge"),
        ("SELECT 1 /*application='shop',job='purge_old'*/", "shop/job:purge_old"),
        ("SELECT 1 /*route='%2Forders%2F12345%2Fitems'*/", "orders/?/items"),
        ("select /*vt+ WORKLOAD_NAME=job:purge PRIORITY=50 */ 1", "job:purge"),
        ("select /* WORKLOAD_NAME=api/v1/send */ 1", "api/v1/send"),
        ("/* job:purge */ DELETE FROM t", "job:purge"),
        ("SELECT 1 -- app=etl", "etl"),
        ("SELECT 1 # app=etl\n", "etl"),
        ("/* ApplicationName=DBeaver 23.1 - Main */ SELECT 1", "DBeaver"),
        ("SELECT 1 /* first */ /*app='second'*/", "second"),
        ("SELECT 1 " + "x" * 9000 + " /*app='etl'*/ ;", "etl"),
        ("SELECT 1 /*app='bob@example.com'*/", "bob-example.com"),
        ("SELECT 1 /*app='7e0ecb56-7e57-4a2c-b7cf-8a1e8c7a0001'*/", ""),
    ],
)
def test_each_notation(statement: str, name: str):
    assert workload_of(statement) == name


@pytest.mark.parametrize(
    "statement",
    [
        None,
        "",
        "SELECT '/*app=''x''*/'",
        'SELECT "/* job:purge */"',
        "SELECT `/* job:purge */` FROM t",
        "SELECT /*!40001 SQL_NO_CACHE */ * FROM t",
        "SELECT /*+ MAX_EXECUTION_TIME(1000) */ 1",
        "SELECT /*vt+ PRIORITY=50 */ 1",
        "SELECT 1 /* nightly purge of old rows */",
        "SELECT 1 /* tracing: 00-5b; user=bob */",
        "SELECT 1 -1 FROM t -- nothing",
    ],
)
def test_what_is_no_name(statement: str | None):
    assert workload_of(statement) == ""


@given(st.text(max_size=300))
def test_any_comment_gives_a_short_name_in_a_small_alphabet(text: str):
    for statement in (text, f"/*{text}*/ SELECT 1", f"SELECT 1 /*app='{text}'*/", f"/*WORKLOAD_NAME={text}*/"):
        name = workload_of(statement)
        assert len(name) <= LONGEST
        assert ALPHABET.fullmatch(name)
        assert not re.search(r"\d{3}", name)


@given(st.from_regex(r"[a-z][a-z_]{0,20}", fullmatch=True))
def test_a_name_is_read_as_it_was_written(name: str):
    assert workload_of(f"SELECT 1 /*app='{name}'*/") == plain_name(name)
    assert workload_of(f"/* WORKLOAD_NAME={name} */ SELECT 'x /* y */'") == plain_name(name)


@given(st.text(alphabet="/*'\"`\\ -#=:ab,\n", max_size=200_0))
def test_the_search_is_bounded(text: str):
    workload_of(text * 5)
