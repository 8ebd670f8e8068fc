"""The cards of every state: they fit Slack's limits, say what matters, and keep outside text inert."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.engine.run import Assignment, Cause, Choice, Decision, Event, Run, RunState, Step, StepStatus
from bot.guards.facts import Answer, Verdict
from bot.lab.slack_workspace.block_kit.block_rules import check_blocks, text_length
from bot.slack import approval_card as plans
from bot.slack import labels
from bot.slack import run_card as cards
from tests.samples import NOW, alert, change, plan, run, waiting

EVIDENCE = {"applier_running": "No", "applier_errno": 1205, "lag": None, "workers": [{"id": 1, "errno": 1205}]}
LEAD = Cause("applier_stopped", "holds", "The applier stopped with error 1205.", ("start_applier",))
DECIDED = (RunState.APPROVED, RunState.CHANGING, RunState.MENDED, RunState.FAILED, RunState.UNKNOWN, RunState.UNDONE)


def at(state: RunState, **changes: Any) -> Run:
    """A run as it typically is in a state."""
    steps = (
        Step("replica", "mysql.replica_status", "target", StepStatus.DONE, evidence=EVIDENCE),
        Step("siblings", "mysql.replica_status", "replicas", StepStatus.FAILED, says="orders-2 does not answer"),
        Step("lag", "prometheus.range", "target", StepStatus.PENDING),
    )
    found = replace(
        run(**{"state": state, "steps": steps, "causes": (LEAD,), "says": "What is so.", **changes}),
        timeline=(Event(NOW, "alert received"),),
    )
    if state in (RunState.TRIAGING, RunState.DIAGNOSED, RunState.REFUSED):
        return found
    decisions = (Decision("U0BOB", Choice.APPROVE, plan().digest, NOW),) if state in DECIDED else ()
    verdicts = (Verdict("halt", Answer.PASS, "nothing is halted"), Verdict("approval", Answer.ASK, "0 of 1"))
    return replace(found, plan=plan(), expires_at=NOW + timedelta(minutes=5), decisions=decisions, verdicts=verdicts)


def parts(of: Run) -> dict[str, dict[str, Any]]:
    return {message.key.partition(":")[2]: message.payload for message in cards.render(of)}


def drawn(of: Run) -> list[dict[str, Any]]:
    """The payloads of the messages that are drawn with blocks; the others are files."""
    return [payload for payload in parts(of).values() if "blocks" in payload]


def words(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize("state", RunState)
def test_the_cards_of_every_state_are_what_slack_takes(state: RunState):
    for payload in drawn(at(state)):
        assert check_blocks(payload["blocks"]) == []
        for attachment in payload.get("attachments", []):
            assert check_blocks(attachment["blocks"]) == []
        assert payload["text"]


@pytest.mark.parametrize("state", RunState)
def test_the_same_run_gives_the_same_cards(state: RunState):
    assert [m.digest for m in cards.render(at(state))] == [m.digest for m in cards.render(at(state))]


def buttons(run: Run) -> set[str]:
    return {
        e["action_id"]
        for p in drawn(run)
        for b in p["blocks"]
        for e in b.get("elements", [])
        if isinstance(e, dict) and "action_id" in e
    }


@pytest.mark.parametrize("state", RunState)
def test_buttons_are_there_only_while_they_can_count(state: RunState):
    wanted = {
        RunState.WAITING: {labels.APPROVE, labels.DENY},
        RunState.PAUSED: {labels.GO_ON, labels.STOP},
        RunState.MENDED: {labels.UNDO},
        **{each: {labels.RETRY} for each in (RunState.REFUSED, RunState.EXPIRED, RunState.FAILED, RunState.UNKNOWN)},
    }
    over = state in (RunState.MENDED, RunState.RESOLVED)
    assert buttons(at(state)) == wanted.get(state, set()) | (set() if over else {labels.TAKE})


def test_the_runbook_s_notes_and_links_are_shown_once_it_has_looked():
    said = {"notes": "Do not act\nwhile <it> catches up.", "links": (("The wiki", "https://wiki/lag"), ("Bad", "x|y"))}
    assert "The wiki" not in words(parts(at(RunState.TRIAGING, **said))["card"])
    shown = words(parts(at(RunState.DIAGNOSED, **said))["card"])
    assert ":memo: Do not act while &lt;it&gt; catches up." in shown
    assert "<https://wiki/lag|The wiki> · Bad" in shown


def test_who_works_on_it_is_shown_and_may_hand_it_back():
    taken = Assignment("U1", NOW, "a-b", NOW + timedelta(minutes=30))
    shown = words(parts(at(RunState.DIAGNOSED, taken=taken))["card"])
    assert "<@U1> works on it since" in shown
    assert "the alert is silenced until" in shown
    assert buttons(at(RunState.DIAGNOSED, taken=taken)) == {labels.TAKE, labels.HAND_BACK}
    assert cards.colour(at(RunState.DIAGNOSED, taken=taken)) == cards.ACKNOWLEDGED
    failed = replace(taken, silence="", until=None, says="Not silenced: Alertmanager <x> does not answer.")
    assert "Not silenced: Alertmanager &lt;x&gt; does not answer." in words(
        parts(at(RunState.DIAGNOSED, taken=failed))["card"]
    )


def test_when_it_is_over_or_no_alert_asked_nobody_needs_to_take_it():
    assert buttons(at(RunState.DIAGNOSED, resolved_at=NOW)) == set()
    assert buttons(at(RunState.DIAGNOSED, alert=None)) == set()


def test_the_card_names_the_cause_the_evidence_and_what_is_missing():
    card = words(parts(at(RunState.WAITING))["card"])
    for shown in ("The applier stopped with error 1205.", "applier running No", "Missing:", "orders-2 does not answer"):
        assert shown in card


def test_what_the_runbook_shows_goes_before_the_table_of_everything():
    card = parts(at(RunState.WAITING, shown=(("Lag", "12 min <now>"), ("Applier", "No"))))["card"]
    [fields] = [block["fields"] for block in card["blocks"] if "fields" in block]
    assert [field["text"] for field in fields] == ["*Lag*\n12 min &lt;now&gt;", "*Applier*\nNo"]
    assert "applier running No" not in words(card)
    assert "table" not in {block["type"] for block in card["blocks"]}


def test_all_that_was_seen_is_a_file_below_the_card():
    message = next(m for m in cards.render(at(RunState.WAITING)) if m.key == "r-1:evidence")
    assert (message.root, message.payload["file"]["title"]) == ("r-1:card", "All that was seen on orders-3")
    text = message.payload["file"]["text"]
    for line in (
        "replica  (mysql.replica_status on orders-3)",
        "  lag              unknown",
        "  applier errno    1205",
        "  failed: orders-2 does not answer",
    ):
        assert line in text.splitlines()
    assert "evidence" not in parts(at(RunState.TRIAGING))


def test_while_it_looks_the_card_counts_its_steps():
    assert "Triage 2/3" in words(parts(at(RunState.TRIAGING))["card"])


def test_the_approval_shows_exactly_what_would_run():
    shown = parts(waiting())["approval"]
    blocks = shown["blocks"]
    code = next(b for b in blocks if b["type"] == "rich_text")["elements"][0]["elements"][0]["text"]
    assert code == "START REPLICA SQL_THREAD"
    text = words(shown)
    for part in ("orders-3", "127.0.0.1:3308", "1 of 2 replicas of orders", "reversible", "STOP REPLICA SQL_THREAD"):
        assert part in text
    approve = next(e for b in blocks for e in b.get("elements", []) if e.get("action_id") == labels.APPROVE)
    assert approve["value"] == f"r-1:{plan().digest}"
    assert "START REPLICA SQL_THREAD" in words(approve["confirm"])


def test_what_a_change_costs_stands_beside_what_it_does():
    costly = waiting(plan=plan(changes=(change(cost="12,345 modified rows are rolled back."),)))
    assert "*Costs* 12,345 modified rows are rolled back." in words(parts(costly)["approval"])
    assert "Costs" not in words(parts(at(RunState.WAITING))["approval"])


def test_a_decision_is_never_edited_away():
    for state in DECIDED:
        assert "<@U0BOB> approved it" in words(parts(at(state))["approval"])


def test_a_resolved_alert_turns_the_card_green():
    resolved = replace(at(RunState.DIAGNOSED), resolved_at=NOW + timedelta(seconds=75))
    card = parts(resolved)["card"]
    assert "resolved after 75 s" in words(card)
    assert card["attachments"][0]["color"] == cards.RESOLVED


def test_a_mended_run_with_a_timer_says_when_it_is_undone():
    timed = replace(at(RunState.MENDED), revert_at=NOW + timedelta(hours=1))
    assert "undone by itself" in words(parts(timed)["outcome"])


def test_everything_stands_in_the_thread_of_the_card():
    for message in cards.render(at(RunState.MENDED)):
        assert message.root == (None if message.key == "r-1:card" else "r-1:card")


def test_the_card_names_the_alerts_that_came_along():
    joined = replace(at(RunState.DIAGNOSED), joined=("MySQLDown", "<!channel>"))
    assert "with MySQLDown, &lt;!channel&gt;" in words(parts(joined)["card"])


def test_a_run_that_joined_an_incident_stands_in_the_thread_of_the_first_card():
    joined = replace(at(RunState.MENDED), thread="r-0")
    assert {message.root for message in cards.render(joined)} == {"r-0:card"}
    assert "broadcast" not in parts(joined)["card"]
    assert parts(replace(joined, loud=True))["card"]["broadcast"] is True


def test_a_chart_comes_with_the_evidence_of_prometheus():
    lines = [{"name": "orders-3", "samples": [{"at": 1.0, "value": 2.0}, {"at": 2.0, "value": 3.0}]}]
    step = Step("lag", "prometheus.range", "target", StepStatus.DONE, evidence={"lines": lines})
    assert parts(run(state=RunState.DIAGNOSED, steps=(step,)))["chart"]["chart"]["lines"][0]["points"] == [
        [1.0, 2.0],
        [2.0, 3.0],
    ]
    assert "chart" not in parts(run(steps=(step,)))


POISON = "<!channel> *x* `y` <@U0BOB> <https://evil.example|Approve>\n\u202e```"


POISONED = change(target=POISON, address=POISON, statements=(POISON,), undo=(POISON,), undo_says=POISON)


def test_outside_text_is_inert_wherever_it_comes_in():
    labels = {"alertname": POISON, "instance": POISON, "severity": POISON}
    poisoned = replace(
        at(RunState.FAILED),
        alert=alert(labels=labels, generator_url="https://x|<!channel>"),
        title=POISON,
        target=POISON,
        shard=POISON,
        runbook=POISON,
        says=POISON,
        causes=(Cause(POISON, "holds", POISON), Cause(POISON, "undecided", POISON)),
        steps=(
            Step(POISON, "x", "target", StepStatus.FAILED, says=POISON),
            Step("seen", "x", POISON, StepStatus.DONE, evidence={"user": POISON}),
        ),
        plan=plan(title=POISON, blast_radius=POISON, changes=(POISONED, replace(POISONED, target="orders-2"))),
        alternatives=(plan(title=POISON, remedy="other", blast_radius=POISON, changes=(POISONED,)),),
        verdicts=(Verdict(POISON, Answer.PASS, POISON),),
        timeline=(Event(NOW, POISON),),
    )
    for payload in drawn(poisoned):
        for marked in _marked(payload):
            assert "<!channel" not in marked
            assert "<https://evil" not in marked
        assert check_blocks(payload["blocks"]) == []


def _marked(value: Any) -> list[str]:
    """Every text that Slack reads as mrkdwn."""
    if isinstance(value, list):
        return [text for each in value for text in _marked(each)]
    if not isinstance(value, dict):
        return []
    if value.get("type") == "mrkdwn":
        return [value["text"]]
    found = [text for each in value.values() for text in _marked(each)]
    return [*found, value["text"]] if isinstance(value.get("text"), str) and "blocks" in value else found


def test_however_much_there_is_it_fits():
    long = "x" * 5000
    steps = tuple(
        Step(f"s{n}", "x", "target", StepStatus.DONE, evidence={f"f{m}": long for m in range(9)}) for n in range(60)
    )
    causes = tuple(Cause(f"c{n}", "holds", long) for n in range(20))
    huge = replace(
        at(RunState.MENDED),
        says=long,
        steps=steps,
        causes=causes,
        plan=plan(changes=tuple(change(target=f"orders-{n}", statements=(long,) * 20) for n in range(40))),
        alternatives=(plan(title=long, changes=(change(statements=(long,) * 20),)),) * 3,
        timeline=(Event(NOW, long),) * 50,
    )
    assert len(parts(huge)["evidence"]["file"]["text"]) < 201_000
    for payload in drawn(huge):
        assert check_blocks(payload["blocks"]) == []
        assert text_length(payload["blocks"]) <= 11_000
        assert len(payload["text"]) <= 4000


def test_with_several_targets_each_line_says_its_own_and_what_follows_a_failure():
    rolling = plan(changes=(change(), change(target="orders-2", wave=1)), on_failure="undo")
    shown = words(plans.approval(replace(at(RunState.WAITING), plan=rolling), rolling))
    assert "orders-3> START REPLICA SQL_THREAD\\norders-2> START REPLICA SQL_THREAD" in shown
    assert "2 turns, each verified before the next; after a failure it is undone" in shown


def test_another_remedy_has_its_own_statements_and_its_own_button():
    other = plan(remedy="restart", title="Restart it", changes=(change(statements=("STOP REPLICA", "START REPLICA")),))
    blocks = plans.approval(replace(at(RunState.WAITING), alternatives=(other,)), plan())
    buttons = {
        each["action_id"]: each["value"] for block in blocks for each in block.get("elements", []) if "value" in each
    }
    assert buttons[f"{labels.APPROVE}.restart"] == f"r-1:{other.digest}"
    assert buttons[labels.APPROVE] == f"r-1:{plan().digest}"
    assert "STOP REPLICA\\nSTART REPLICA" in words(blocks)
