"""The slash commands: what each text of /triage, /runbook and /mate means, and the reply to it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.engine.instance_selector import EVERYTHING
from bot.engine.run import Run
from bot.engine.user_commands import Commands
from bot.engine.wait_reasons import waits
from bot.guards.facts import Halt
from bot.slack.blocks import code, escape, fenced, moment, sentence
from bot.slack.lookups import Lookups, Status, Why
from bot.slack.plan_preview import plan_preview
from bot.slack.sweep_command import SweepCommand

HELP: Mapping[str, str] = {
    "/triage": (
        "Write `/triage INSTANCE`, for example `/triage orders-3`. To check many instances at once, write "
        "`/triage SELECTOR`, for example `/triage cluster=orders`, `/triage shard=orders* role=replica` or "
        "`/triage all`. The keys of a selector are `role`, `name`, `shard`, `flavour` and `cluster` (for servers "
        "outside Vitess the same as `shard`), and for tablets also `keyspace`, `cell` and `type`."
    ),
    "/runbook": (
        "Write one of:\n"
        "• `/runbook list`\n"
        "• `/runbook show NAME`\n"
        "• `/runbook run NAME [INSTANCE]`: without an instance, a form asks for it and for the runbook's inputs\n"
        "• `/runbook plan NAME INSTANCE [REMEDY]`: shows the cause, the exact statements and the guards' results, and "
        "changes nothing\n"
        "• `/runbook why ALERT`: explains which runbook matches an alert, given as its name, its labels or the ID of "
        "its run, such as `r-1234`"
    ),
    "/mate": (
        "Write one of:\n"
        "• `/mate status`\n"
        "• `/mate halt [SCOPE] REASON` and `/mate resume [SCOPE]`: a scope is `shard:NAME` or `action:NAME`; without "
        "one, all changes are halted\n"
        "• `/mate pause RUN`, `/mate resume RUN`, `/mate stop RUN` or `/mate retry RUN`\n"
        "• `/mate ack SHARD`: ends the cooldowns of a shard that you have checked\n"
        "• `/mate break-glass RUN REASON`: restarts a run that a freeze or a cooldown refused, with both "
        "overridden; approval is still required"
    ),
}
FORM = re.compile(r"/runbook run (\S+)")
"""`/runbook run NAME` without an instance opens a form."""
MOST_RUNBOOKS, MOST_RUNS = 30, 15
"""The most runbooks and runs that one reply lists."""


@dataclass(frozen=True, slots=True)
class SlashCommands:
    """Executes slash commands. Each method takes (user, channel, text) and returns the reply in mrkdwn."""

    commands: Commands
    lookups: Lookups
    sweeps: SweepCommand

    def triage(self, user: str, channel: str, text: str) -> str:
        """/triage"""
        if "=" in text or text.strip() == EVERYTHING:
            says = self.sweeps.sweep(user, text.strip(), channel)
            return f"{escape(says)} The card is in <#{channel}>."
        if len(text.split()) != 1:
            return HELP["/triage"]
        run = self.commands.triage(user, text.strip(), channel)
        return f"Triaging {code(run.target)}; the card is in <#{run.channel}>."

    def runbook(self, user: str, channel: str, text: str) -> str:
        """/runbook, except where it opens a form"""
        match text.split():
            case ["list"]:
                lines = [f"• {code(r.name)} {escape(r.title)} {code(r.digest[:7])}" for r in self.lookups.runbooks()]
                return "\n".join([*lines, *(f"_{escape(each)}_" for each in self.lookups.sources())])
            case ["show", name]:
                return f"```{fenced(self.lookups.runbook_text(name), 3500)}```"
            case ["run", name, instance]:
                return running(self.commands.ask(user, name, instance, channel))
            case ["plan", name, instance, *remedy] if len(remedy) < 2:
                preview = self.commands.plan(user, name, instance, next(iter(remedy), ""))
                return plan_preview(preview.run, preview.not_offered)
            case ["why", _, *_]:
                return _why(self.lookups.why(text.strip().partition(" ")[2].strip()))
            case _:
                return HELP["/runbook"]

    def mate(self, user: str, channel: str, text: str) -> str:
        """/mate"""
        word, _, rest = text.strip().partition(" ")
        rest = rest.strip()
        match word:
            case "status" | "":
                return _status(self.lookups.status())
            case "halt":
                return f":octagonal_sign: {_halt(self.commands.halt(user, rest))}"
            case "ack" if len(rest.split()) == 1:
                return f":white_check_mark: Ended the cooldowns of {code(self.commands.acknowledge(user, rest))}."
            case "break-glass" if rest:
                run_id, _, reason = rest.partition(" ")
                run = self.commands.break_glass(user, run_id, reason.strip())
                return (
                    f":rotating_light: Started run {code(run.id)}: freezes and cooldowns are overridden; approval is "
                    f"still required. The card is in <#{run.channel}>."
                )
            case "pause" if rest.startswith("r-"):
                return self.pause(user, rest)
            case "stop" if rest.startswith("r-"):
                return self.stop(user, rest)
            case "retry" if rest.startswith("r-"):
                return self.retry(user, rest)
            case "resume" if rest.startswith("r-"):
                return self.go_on(user, rest)
            case "resume":
                return _remaining(self.commands.resume(user, rest))
            case _:
                return HELP["/mate"]

    # Buttons do these, too.

    def pause(self, user: str, run_id: str) -> str:
        """Pauses a change; returns the reply."""
        return f"{_state(self.commands.pause(user, run_id))} It pauses before its next batch."

    def stop(self, user: str, run_id: str) -> str:
        """Stops a run; returns the reply."""
        run = self.commands.stop(user, run_id)
        return _state(run) if run.state.ended else f"{_state(run)} It stops before its next batch."

    def go_on(self, user: str, run_id: str) -> str:
        """Continues a paused change; returns the reply."""
        return f"{_state(self.commands.go_on(user, run_id))} It continues."

    def retry(self, user: str, run_id: str) -> str:
        """Opens a run again; returns the reply."""
        run = self.commands.retry(user, run_id)
        return f"Retrying {code(run_id)} as {code(run.id)}; the card is in <#{run.channel}>."


def running(run: Run) -> str:
    """The reply to a person who started a run."""
    return f"Running {code(run.runbook)} on {code(run.target)}; the card is in <#{run.channel}>."


def _state(run: Run) -> str:
    return f"{code(run.id)}: *{run.state.label}*."


def _halt(halt: Halt) -> str:
    return sentence(f"{halt} {halt.lifted_by}")


def _remaining(halts: Sequence[Halt]) -> str:
    if not halts:
        return ":arrow_forward: Changes are allowed again."
    return f":octagonal_sign: {sentence(' '.join(f'{halt} {halt.lifted_by}' for halt in halts))}"


def _why(why: Why) -> str:
    lines = [f"{code(why.alert)}: {escape(why.verdict)}"]
    for name, matches, says in why.runbooks[:MOST_RUNBOOKS]:
        lines.append(f"• {':heavy_check_mark:' if matches else ':heavy_minus_sign:'} {code(name)} {escape(says[:500])}")
    if len(why.runbooks) > MOST_RUNBOOKS:
        lines.append(f"and {len(why.runbooks) - MOST_RUNBOOKS} more; `firstmate match` lists all of them")
    return "\n".join(lines)


def _status(status: Status) -> str:
    halted = [f":octagonal_sign: {sentence(str(halt))}" for halt in status.halts]
    lines = halted or [":arrow_forward: Changes are allowed."]
    for run in status.runs[:MOST_RUNS]:
        waiting = waits(run)
        until = f", until {moment(waiting.until)}" if waiting.until else ""
        lines.append(
            f"• {code(run.id)} {code(run.runbook)} on {code(run.target)}: *{run.state.label}* since "
            f"{moment(waiting.since)}{until}; waits for {sentence(waiting.what)}"
        )
        if run.seen_before is not None:
            lines[-1] += f" _Seen before:_ {escape(run.seen_before.says, 300)}"
    if len(status.runs) > MOST_RUNS:
        lines.append("and others; `firstmate incident list` lists them")
    if not status.runs:
        lines.append("No runs in progress.")
    if status.waiting_messages:
        one = status.waiting_messages == 1
        lines.append(f"{status.waiting_messages} message{' is' if one else 's are'} waiting to be sent to Slack.")
    return "\n".join(lines)
