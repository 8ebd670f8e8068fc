"""An invalid runbook is rejected with the place and the reason; a valid one keeps its text as its version."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bot.errors import RunbookError
from bot.runbook.language.positioned_document import MAX_BYTES
from bot.runbook.library.load_runbooks import load_file, load_folders, parse

GOOD = """\
runbook: mysql/example
title: An example
owner: datastores
match:
  - alertname = "Example"
inputs:
  limit: {type: seconds, default: 30s}
gather:
  replica: mysql.replica_status
  siblings: {use: mysql.replica_status, on: replicas}
causes:
  - id: stopped
    when: replica.applier_running == "No"
    says: The applier stopped with error {{ replica.applier_errno }}.
    remedy: start
remedies:
  start:
    use: mysql.start_replica
    with: {thread: applier}
tests:
  - given: {replica: {configured: true, applier_running: No, lag: 2m}}
    expect: {cause: stopped, remedy: start}
"""


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


def refusal(text: str, name: str | None = None) -> str:
    with pytest.raises(RunbookError) as caught:
        parse(text, "mysql/example.yml", name=name)
    return str(caught.value)


def test_a_valid_runbook_is_loaded_and_identified_by_the_digest_of_its_text():
    runbook = parse(GOOD, "mysql/example.yml", name="mysql/example")
    assert runbook.title == "An example"
    assert runbook.gather["replica"].use == "mysql.replica_status"
    assert runbook.gather["siblings"].on == "replicas"
    assert runbook.autonomy == "suggest"
    assert runbook.text == GOOD
    assert runbook.digest == hashlib.sha256(GOOD.encode()).hexdigest()


def test_on_and_no_are_text_and_not_booleans():
    runbook = parse(changed("{type: seconds, default: 30s}", "{type: text, default: on}"), "x.yml")
    assert runbook.inputs["limit"].default == "on"
    assert runbook.tests[0].given["replica"]["applier_running"] == "No"


CASES = {
    "a tab indents": ("  limit: {type", "\tlimit: {type", 7, "tab"),
    "an unclosed brace": ("{thread: applier}", "{thread: applier", 20, "Invalid YAML"),
    "a duplicate key": (
        "owner: datastores",
        "owner: datastores\nowner: me",
        4,
        "Duplicate key 'owner'; it is already defined in line 3",
    ),
    "an anchor": ("owner: datastores", "owner: &me datastores", 3, "Anchor &me is not allowed"),
    "an alias": ("owner: datastores", "owner: *me", 3, "Alias *me is not allowed"),
    "a merge key": ("start:\n", "start:\n    <<: {a: 1}\n", 18, "Merge key"),
    "a tag": ("owner: datastores", "owner: !!python/name:os.system datastores", 3, "Tag"),
    "a second document": ("owner: datastores", "owner: datastores\n---\nx: 1", 5, "second YAML document"),
    "an unknown key": ("says: The", "sayz: The", 14, "Unknown key 'sayz' in causes.1; did you mean 'says'?"),
    "a missing key": ("owner: datastores\n", "", 1, "Missing key 'owner'"),
    "an unknown diagnostic": ("replica: mysql.replica_status\n", "replica: mysql.replica_state\n", 9, "did you mean"),
    "an unknown remediation": ("mysql.start_replica", "mysql.start_slave", 18, "did you mean 'mysql.start_replica'?"),
    "an unknown parameter": ("{thread: applier}", "{thred: applier}", 19, "did you mean 'thread'?"),
    "a parameter that does not fit": ("{thread: applier}", "{thread: sql}", 19, "'sql'"),
    "an unknown step": ("replica.applier_running", "replca.applier_running", 13, "did you mean 'replica'?"),
    "an unknown field": ("replica.applier_running", "replica.aplier_running", 13, "did you mean 'applier_running'?"),
    "an unknown field in a sentence": ("{{ replica.applier_errno", "{{ replica.errno", 14, "Unknown field 'errno'"),
    "a field of a list": ('replica.applier_running == "No"', "siblings.lag > 5", 13, "it is a list"),
    "a field of an item": ('replica.applier_running == "No"', "siblings[0].lagg", 13, "did you mean 'lag'?"),
    "a field in a filter": ('replica.applier_running == "No"', "siblings | pick('lagg')", 13, "did you mean 'lag'?"),
    "a broken expression": ('replica.applier_running == "No"', "replica.applier_running ==", 13, "Invalid expression"),
    "a call": ('replica.applier_running == "No"', "range(9)", 13, "Calls are not allowed"),
    "an unknown filter": ('replica.applier_running == "No"', "replica | tojson", 13, "Unknown filter 'tojson'"),
    "an unknown remedy": ("remedy: start\n", "remedy: begin\n", 15, "Unknown remedy 'begin'"),
    "a broken matcher": ('alertname = "Example"', "alertname", 5, "not a matcher"),
    "a broken regular expression": ('alertname = "Example"', 'alertname =~ "("', 5, "does not compile"),
    "a bad default": ("default: 30s", "default: soon", 7, "not a duration"),
    "an unknown type": ("type: seconds", "type: second", 7, "second"),
    "an unknown place": ("on: replicas", "on: everywhere", 10, "everywhere"),
    "a name with a space": ("  replica: mysql", "  the replica: mysql", 9, "Invalid name 'the replica'"),
    "a reserved name": ("  siblings: {use", "  inputs: {use", 10, "is reserved"),
    "a step of a test": ("given: {replica:", "given: {replika:", 21, "Unknown step 'replika'"),
    "a field of a test": ("lag: 2m", "lagg: 2m", 21, "no field 'lagg'"),
    "a value of a test": ("lag: 2m", "lag: later", 21, "not a duration"),
    "an expected cause": ("cause: stopped", "cause: stoped", 22, "did you mean 'stopped'?"),
    "an unknown cause in unless": (
        "    remedy: start\n",
        "    unless: [x]\n",
        15,
        "No cause 'x' is defined before this one",
    ),
    "a list instead of a runbook": (GOOD, "- just\n- a list\n", 1, "mapping"),
    "an empty file": (GOOD, "", 1, "mapping"),
}


@pytest.mark.parametrize(("old", "new", "line", "says"), CASES.values(), ids=CASES.keys())
def test_an_error_is_reported_with_its_line(old, new, line, says):
    message = refusal(changed(old, new))
    assert f"mysql/example.yml:{line}:" in message
    assert says in message


def test_all_errors_of_a_file_are_reported_in_line_order():
    message = refusal(changed("replica.applier_running", "replica.nope").replace("thread: applier", "thred: applier"))
    assert [line.split(": ")[0] for line in message.splitlines()] == [
        "mysql/example.yml:13:19",
        "mysql/example.yml:19:12",
    ]


def test_a_dependency_cycle_of_steps_is_rejected():
    text = changed(
        "  replica: mysql.replica_status\n",
        "  replica: {use: mysql.replica_status, when: siblings | length > 0}\n",
    ).replace("on: replicas}", "on: replicas, when: replica.configured}")
    assert "Step 'replica' is in a dependency cycle with siblings" in refusal(text)


def test_a_runbook_must_be_named_after_its_path():
    assert "Runbook is named 'mysql/example', but its path requires 'mysql/other'" in refusal(GOOD, name="mysql/other")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: " + "[" * 100_000, "nested more than"),
        ("a:\n" + "".join(" " * depth + "a:\n" for depth in range(1, 400)), "nested more than"),
        ("a: [" + "1," * 60_000 + "]", "more than 20,000 values"),
        ("a: &x [1]\nb: [" + "*x," * 1000 + "]", "Anchor"),
        ("a: " + "x" * MAX_BYTES, "exceeds the limit of 262,144 bytes"),
        ("a: \x00", "Invalid YAML"),
        ("a: \ud800", "Invalid YAML"),
        ("{{ a }}", "Key is not a scalar"),
        ("? [a, b]\n: c", "Key is not a scalar"),
    ],
    ids=["brackets", "blocks", "items", "laughs", "length", "nul", "surrogate", "braces", "complex key"],
)
def test_hostile_yaml_is_rejected_within_limits(text, says):
    assert says in refusal(text)


def test_a_file_that_is_too_large_not_utf8_or_missing_is_rejected(tmp_path: Path):
    large = tmp_path / "large.yml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(RunbookError, match=r"large\.yml:1:1: .*exceeds the limit of 262,144 bytes"):
        load_file(large)
    latin = tmp_path / "latin.yml"
    latin.write_bytes("a: 1\ntitle: Größe\n".encode("latin-1"))
    with pytest.raises(RunbookError, match=r"latin\.yml:2:10: .*is not valid UTF-8"):
        load_file(latin)
    with pytest.raises(RunbookError, match=r"none\.yml:1:1: .*Cannot read the file: No such file"):
        load_file(tmp_path / "none.yml")


def test_a_runbook_of_a_later_folder_replaces_its_namesake(tmp_path: Path):
    for folder, title in (("shipped", "An example"), ("own", "Our own")):
        place = tmp_path / folder / "mysql"
        place.mkdir(parents=True)
        (place / "example.yml").write_text(GOOD.replace("An example", title))
    library = load_folders([tmp_path / "shipped", tmp_path / "own"])
    assert [runbook.title for runbook in library.runbooks] == ["Our own"]
    assert library.find("mysql/example").title == "Our own"
    with pytest.raises(RunbookError, match="did you mean mysql/example"):
        library.find("mysql/exampel")


def test_every_invalid_file_of_a_folder_is_reported(tmp_path: Path):
    (tmp_path / "a.yml").write_text("a: [")
    (tmp_path / "b.yaml").write_text(GOOD)
    with pytest.raises(RunbookError) as caught:
        load_folders([tmp_path])
    assert "a.yml:" in str(caught.value)
    assert "b.yaml:1:10: Runbook is named 'mysql/example', but its path requires 'b'" in str(caught.value)


def test_a_missing_folder_is_reported(tmp_path: Path):
    with pytest.raises(RunbookError, match="does not exist"):
        load_folders([tmp_path / "nowhere"])
