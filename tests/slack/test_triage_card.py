"""The messages of a run in every state: within Slack's limits, complete, and with untrusted text escaped."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.engine.found_causes import Answer as HandAnswer
from bot.engine.found_causes import HandOver
from bot.engine.run import Assignment, Cause, Choice, Decision, Effect, Event, Helped, Run, RunState, Step, StepStatus
from bot.guards.facts import Answer, Verdict
from bot.lab.slack_workspace.block_kit.block_rules import check_blocks, text_length
from bot.slack import action_ids, approval_card, run_messages, triage_card
from tests.samples import NOW, alert, change, plan, run, waiting

EVIDENCE = {"applier_running": "No", "applier_errno": 1205, "lag": None, "workers": [{"id": 1, "errno": 1205}]}
LEAD = Cause("applier_stopped", "holds", "The applier stopped with error 1205.", ("start_applier",))
DECIDED = (RunState.APPROVED, RunState.CHANGING, RunState.MENDED, RunState.FAILED, RunState.UNKNOWN, RunState.UNDONE)


def at(state: RunState, **changes: Any) -> Run:
    """Returns a typical run in a state."""
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
    return {message.key.partition(":")[2]: message.payload for message in run_messages.render(of)}


def drawn(of: Run) -> list[dict[str, Any]]:
    """Returns the payloads of the messages with blocks; the others are files."""
    return [payload for payload in parts(of).values() if "blocks" in payload]


def words(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize("state", RunState)
def test_slack_accepts_the_messages_of_every_state(state: RunState):
    for payload in drawn(at(state)):
        assert check_blocks(payload["blocks"]) == []
        for attachment in payload.get("attachments", []):
            assert check_blocks(attachment["blocks"]) == []
        assert payload["text"]


@pytest.mark.parametrize("state", RunState)
def test_the_same_run_gives_the_same_messages(state: RunState):
    assert [m.digest for m in run_messages.render(at(state))] == [m.digest for m in run_messages.render(at(state))]


def buttons(run: Run) -> set[str]:
    return {
        e["action_id"]
        for p in drawn(run)
        for b in p["blocks"]
        for e in b.get("elements", [])
        if isinstance(e, dict) and "action_id" in e
    }


@pytest.mark.parametrize("state", RunState)
def test_buttons_are_shown_only_while_they_have_an_effect(state: RunState):
    wanted = {
        RunState.WAITING: {action_ids.APPROVE, action_ids.DENY},
        RunState.PAUSED: {action_ids.GO_ON, action_ids.STOP},
        RunState.WATCHING: {action_ids.UNDO},
        RunState.MENDED: {action_ids.UNDO},
        RunState.PARTLY_HELPED: {action_ids.UNDO, action_ids.RETRY},
        RunState.NOT_HELPED: {action_ids.UNDO, action_ids.RETRY},
        **{
            each: {action_ids.RETRY} for each in (RunState.REFUSED, RunState.EXPIRED, RunState.FAILED, RunState.UNKNOWN)
        },
    }
    over = state in (RunState.MENDED, RunState.RESOLVED)
    assert buttons(at(state)) == wanted.get(state, set()) | (set() if over else {action_ids.TAKE})


def test_a_change_that_did_not_help_is_loud_and_names_the_next_cause_with_its_remedy():
    still = Cause("idle", "holds", "Session 7 holds the lock.", ("end_it",))
    effect = Effect("busy", Helped.NO, done="Statement killed.", holds=still.says, now=(still,))
    ended = at(RunState.NOT_HELPED, effect=effect, says="The trouble is not over.")
    first, *rest = parts(ended)["outcome"]["blocks"]
    shown = words(rest)
    assert first["text"]["text"].startswith(":rotating_light: *Done, but it did not help.* The trouble is not over.")
    assert "*Now:* Session 7 holds the lock. Press Try again for the plan of `end it`." in shown
    assert triage_card.colour(ended) != triage_card.colour(at(RunState.MENDED))


def test_a_change_that_helped_only_partly_is_loud_and_names_what_holds_now_with_its_remedy():
    full = Cause("full", "holds", "The server is full.", ("raise_limit",))
    says = "Killed. This cause is gone, but the trouble is not over: The server is full."
    ended = at(RunState.PARTLY_HELPED, says=says, effect=Effect("busy", Helped.PARTLY, holds=full.says, now=(full,)))
    first, *rest = parts(ended)["outcome"]["blocks"]
    assert first["text"]["text"].startswith(":rotating_light: *Done, but the trouble is not over.* Killed. This cause")
    assert "*Now:* The server is full. Press Try again for the plan of `raise limit`." in words(rest)
    assert triage_card.colour(ended) != triage_card.colour(at(RunState.MENDED))


def test_a_mended_run_names_another_cause_that_holds():
    other = Cause("full", "holds", "The server is full.", ("raise_limit",))
    mended = at(RunState.MENDED, effect=Effect("busy", Helped.YES, now=(other,)))
    assert "*Another cause holds:* The server is full." in words(parts(mended)["outcome"])


def test_an_outcome_that_is_unknown_although_the_change_stands_can_be_undone():
    unknown = at(RunState.UNKNOWN, effect=Effect("busy", Helped.UNKNOWN))
    assert buttons(unknown) == {action_ids.UNDO, action_ids.RETRY, action_ids.TAKE}


def test_notes_and_links_are_shown_after_triage():
    said = {"notes": "Do not act\nwhile <it> catches up.", "links": (("The wiki", "https://wiki/lag"), ("Bad", "x|y"))}
    assert "The wiki" not in words(parts(at(RunState.TRIAGING, **said))["card"])
    shown = words(parts(at(RunState.DIAGNOSED, **said))["card"])
    assert ":memo: Do not act while &lt;it&gt; catches up." in shown
    assert "<https://wiki/lag|The wiki> · Bad" in shown


def test_the_assignee_is_shown_and_may_hand_the_run_back():
    taken = Assignment("U1", NOW, "a-b", NOW + timedelta(minutes=30))
    shown = words(parts(at(RunState.DIAGNOSED, taken=taken))["card"])
    assert "Assigned to <@U1> since" in shown
    assert "alert silenced until" in shown
    assert buttons(at(RunState.DIAGNOSED, taken=taken)) == {action_ids.TAKE, action_ids.HAND_BACK}
    assert triage_card.colour(at(RunState.DIAGNOSED, taken=taken)) == triage_card.ACKNOWLEDGED
    failed = replace(taken, silence="", until=None, says="Not silenced: Alertmanager <x> does not answer.")
    assert "Not silenced: Alertmanager &lt;x&gt; does not answer." in words(
        parts(at(RunState.DIAGNOSED, taken=failed))["card"]
    )


def test_a_run_without_a_firing_alert_cannot_be_taken():
    assert buttons(at(RunState.DIAGNOSED, resolved_at=NOW)) == set()
    assert buttons(at(RunState.DIAGNOSED, alert=None)) == set()


def test_the_card_shows_the_cause_the_evidence_and_missing_evidence():
    card = words(parts(at(RunState.WAITING))["card"])
    for shown in ("The applier stopped with error 1205.", "applier running No", "Missing:", "orders-2 does not answer"):
        assert shown in card


def test_the_fields_of_the_runbook_replace_the_evidence_table():
    card = parts(at(RunState.WAITING, shown=(("Lag", "12 min <now>"), ("Applier", "No"))))["card"]
    [fields] = [block["fields"] for block in card["blocks"] if "fields" in block]
    assert [field["text"] for field in fields] == ["*Lag*\n12 min &lt;now&gt;", "*Applier*\nNo"]
    assert "applier running No" not in words(card)
    assert "table" not in {block["type"] for block in card["blocks"]}


def test_the_whole_evidence_is_a_file_in_the_thread():
    message = next(m for m in run_messages.render(at(RunState.WAITING)) if m.key == "r-1:evidence")
    assert (message.root, message.payload["file"]["title"]) == ("r-1:card", "Evidence from orders-3")
    text = message.payload["file"]["text"]
    for line in (
        "replica  (mysql.replica_status on orders-3)",
        "  lag              unknown",
        "  applier errno    1205",
        "  failed: orders-2 does not answer",
    ):
        assert line in text.splitlines()
    assert "evidence" not in parts(at(RunState.TRIAGING))


def test_the_card_counts_the_steps_of_triage():
    assert "Triage 2/3" in words(parts(at(RunState.TRIAGING))["card"])


def test_the_approval_card_shows_the_exact_statements():
    shown = parts(waiting())["approval"]
    blocks = shown["blocks"]
    code = next(b for b in blocks if b["type"] == "rich_text")["elements"][0]["elements"][0]["text"]
    assert code == "START REPLICA SQL_THREAD"
    text = words(shown)
    for part in ("orders-3", "127.0.0.1:3308", "1 of 2 replicas of orders", "reversible", "STOP REPLICA SQL_THREAD"):
        assert part in text
    approve = next(e for b in blocks for e in b.get("elements", []) if e.get("action_id") == action_ids.APPROVE)
    assert approve["value"] == f"r-1:{plan().digest}"
    assert "START REPLICA SQL_THREAD" in words(approve["confirm"])


def test_the_approval_card_shows_the_cost_of_the_change():
    costly = waiting(plan=plan(changes=(change(cost="12,345 modified rows are rolled back."),)))
    assert "*Cost* 12,345 modified rows are rolled back." in words(parts(costly)["approval"])
    assert "*Cost*" not in words(parts(at(RunState.WAITING))["approval"])


def test_decisions_stay_visible_in_every_later_state():
    for state in DECIDED:
        assert "<@U0BOB> approved the plan" in words(parts(at(state))["approval"])


def test_a_resolved_alert_turns_the_card_green():
    resolved = replace(at(RunState.DIAGNOSED), resolved_at=NOW + timedelta(seconds=75))
    card = parts(resolved)["card"]
    assert "resolved after 75 s" in words(card)
    assert card["attachments"][0]["color"] == triage_card.RESOLVED


def test_a_fixed_run_with_a_timer_shows_when_it_is_undone():
    timed = replace(at(RunState.MENDED), revert_at=NOW + timedelta(hours=1))
    assert "will be undone automatically at" in words(parts(timed)["outcome"])


def test_every_message_is_in_the_thread_of_the_card():
    for message in run_messages.render(at(RunState.MENDED)):
        assert message.root == (None if message.key == "r-1:card" else "r-1:card")


def test_the_card_names_joined_alerts():
    joined = replace(at(RunState.DIAGNOSED), joined=("MySQLDown", "<!channel>"))
    assert "also firing: MySQLDown, &lt;!channel&gt;" in words(parts(joined)["card"])


def test_a_run_that_joined_an_incident_is_in_the_thread_of_the_first_card():
    joined = replace(at(RunState.MENDED), thread="r-0")
    assert {message.root for message in run_messages.render(joined)} == {"r-0:card"}
    assert "broadcast" not in parts(joined)["card"]
    assert parts(replace(joined, loud=True))["card"]["broadcast"] is True


def test_evidence_of_prometheus_is_drawn_as_a_chart():
    lines = [{"name": "orders-3", "samples": [{"at": 1.0, "value": 2.0}, {"at": 2.0, "value": 3.0}]}]
    step = Step("lag", "prometheus.range", "target", StepStatus.DONE, evidence={"lines": lines})
    assert parts(run(state=RunState.DIAGNOSED, steps=(step,)))["chart"]["chart"]["lines"][0]["points"] == [
        [1.0, 2.0],
        [2.0, 3.0],
    ]
    assert "chart" not in parts(run(steps=(step,)))


POISON = "<!channel> *x* `y` <@U0BOB> <https://evil.example|Approve>\n\u202e```"


POISONED = change(target=POISON, address=POISON, statements=(POISON,), undo=(POISON,), undo_says=POISON)


def test_untrusted_text_is_escaped_everywhere():
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
    """Returns every text that Slack reads as mrkdwn."""
    if isinstance(value, list):
        return [text for each in value for text in _marked(each)]
    if not isinstance(value, dict):
        return []
    if value.get("type") == "mrkdwn":
        return [value["text"]]
    found = [text for each in value.values() for text in _marked(each)]
    return [*found, value["text"]] if isinstance(value.get("text"), str) and "blocks" in value else found


def test_a_huge_run_stays_within_the_limits():
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


def test_with_several_targets_each_line_names_its_target_and_the_card_the_order():
    rolling = plan(changes=(change(), change(target="orders-2", wave=1)), on_failure="undo")
    shown = words(approval_card.approval(replace(at(RunState.WAITING), plan=rolling), rolling))
    assert "orders-3> START REPLICA SQL_THREAD\\norders-2> START REPLICA SQL_THREAD" in shown
    assert "2 batches, each verified before the next; after a failure the change is undone" in shown
    going_on = replace(rolling, on_failure="continue", error_budget=1)
    shown = words(approval_card.approval(replace(at(RunState.WAITING), plan=going_on), going_on))
    assert "after a failure the change continues, but starts no further batch once more than 1 change failed" in shown
    together = replace(rolling, on_failure="stop", changes=(change(), change(target="orders-2")))
    shown = words(approval_card.approval(replace(at(RunState.WAITING), plan=together), together))
    assert "1 batch; after a failure the change stops" in shown


def test_a_card_names_the_guards_that_passed_by_their_titles():
    verdicts = tuple(Verdict(name, Answer.PASS, "It is so.") for name in ("serving_floor", "caller"))
    shown = words(approval_card.approval(replace(at(RunState.WAITING), verdicts=verdicts), plan()))
    assert "Replicas in service: It is so." in shown
    assert "Requester's role: It is so." in shown
    assert "serving_floor" not in shown


def test_an_alternative_has_its_own_statements_and_button():
    other = plan(remedy="restart", title="Restart it", changes=(change(statements=("STOP REPLICA", "START REPLICA")),))
    blocks = approval_card.approval(replace(at(RunState.WAITING), alternatives=(other,)), plan())
    buttons = {
        each["action_id"]: each["value"] for block in blocks for each in block.get("elements", []) if "value" in each
    }
    assert buttons[f"{action_ids.APPROVE}.restart"] == f"r-1:{other.digest}"
    assert buttons[action_ids.APPROVE] == f"r-1:{plan().digest}"
    assert "STOP REPLICA\\nSTART REPLICA" in words(blocks)


def test_the_card_says_where_the_run_went_on_and_which_runbook_was_asked_beside_it():
    seen = Cause("seen", "holds", "The shard has no primary.", (), "vitess/shard")
    handed = at(RunState.DIAGNOSED, runbook="vitess/shard", handed_over=HandOver("vitess/first-look", seen))
    text = json.dumps(triage_card.card(handed))
    assert "The first look found: The shard has no primary. Firstmate went on with the runbook vitess/shard." in text
    asked = at(RunState.DIAGNOSED, runbook="mysql/a", answers=(HandAnswer("mysql/b", "It is <so>."),))
    text = json.dumps(triage_card.card(asked))
    assert "mysql/a and mysql/b match this alert equally well, so both were asked. mysql/a leads." in text
    assert "mysql/b found: It is &lt;so&gt;." in text


def test_a_cause_that_does_not_lead_names_the_runbook_that_goes_on():
    other = Cause("other", "holds", "A replica lags.", (), "mysql/replication-lag")
    text = json.dumps(triage_card.card(at(RunState.DIAGNOSED, causes=(LEAD, other))))
    assert "Also: A replica lags. Continue with the runbook mysql/replication-lag." in text
