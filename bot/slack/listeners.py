"""What people ask from Slack: commands and buttons. A listener acknowledges and hands over; it does no work."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.engine.run import Choice
from bot.engine.selector import EVERYTHING
from bot.engine.wait_reasons import waits
from bot.errors import FirstmateError
from bot.slack import labels
from bot.slack.authorise import Authorise, Record, entry_of
from bot.slack.blocks import code, escape, fenced, moment, sentence
from bot.slack.desk import FrontDesk, Status, Why
from bot.slack.plan_preview import plan_preview
from bot.slack.run_form import RUN_FORM, error_at, filled, form

log = logging.getLogger(__name__)

HELP = {
    "/triage": (
        "Write `/triage INSTANCE`, for example `/triage orders-3`; or, for a first look at many, `/triage SELECTOR` "
        "such as `/triage cluster=orders`, `/triage shard=orders* role=replica` or `/triage all` (its keys are role, "
        "name, shard or cluster, and flavour)."
    ),
    "/runbook": (
        "Write `/runbook list`, `/runbook show NAME`, `/runbook run NAME [INSTANCE]` (without an instance it asks for "
        "one, and for its inputs), `/runbook plan NAME INSTANCE [REMEDY]` or `/runbook why ALERT` (its name, its "
        "labels or the number of a run)."
    ),
    "/mate": (
        "Write `/mate status`, `/mate halt [SCOPE] REASON`, `/mate resume [SCOPE]` (a scope is `shard:NAME` or "
        "`action:NAME`), `/mate pause RUN`, `/mate resume RUN`, `/mate stop RUN`, `/mate retry RUN`, `/mate ack SHARD` "
        "(somebody looked, so its cooldowns are over) or `/mate break-glass RUN REASON` (once more, past freeze and "
        "cooldown)."
    ),
}


_FORM = re.compile(r"/runbook run (\S+)")
"""`/runbook run NAME` without an instance asks for the rest."""


@dataclass
class Listeners:
    """Registers every entry, and turns every answer and error into one ephemeral reply."""

    desk: FrontDesk
    authorise: Authorise
    record: Record
    pool: Executor = field(default_factory=lambda: ThreadPoolExecutor(8, "listener"))

    def register(self, app: App) -> None:
        """Registers commands, buttons and catch-alls; the first that matches wins."""
        app.use(self.authorise)
        app.command("/triage")(self._command(self._triage))
        app.command("/runbook")(self._command(self._runbook))
        app.command("/mate")(self._command(self._mate))
        app.action(re.compile(rf"{re.escape(labels.APPROVE)}(\..+)?"))(self._button(self._approve))
        app.action(labels.DENY)(self._button(self._deny))
        app.action(labels.UNDO)(self._button(self._undo))
        app.action(labels.TAKE)(self._button(self._take))
        app.action(labels.HAND_BACK)(self._button(self._hand_back))
        for action, how in ((labels.PAUSE, "pause"), (labels.STOP, "stop"), (labels.GO_ON, "go_on")):
            app.action(action)(self._button(self._holding(how)))
        app.action(labels.RETRY)(self._button(self._holding("retry")))
        app.view(RUN_FORM)(self._submitted)
        # Slack retries what is not acknowledged, so whatever else comes is.
        app.event("message")(_ignore)
        app.event("app_mention")(_ignore)

    # -- entries --------------------------------------------------------------------------------------------------

    def _command(self, answer: Callable[[str, str, str], str]) -> Callable[..., None]:
        def listen(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
            ack()
            user, channel = str(body["user_id"]), str(body["channel_id"])
            text = str(body.get("text", ""))
            wanted = _FORM.fullmatch(f"{body['command']} {text.strip()}")
            if wanted is not None:
                trigger, name = str(body["trigger_id"]), wanted[1]
                self.pool.submit(
                    self._answer,
                    user,
                    channel,
                    entry_of(body),
                    lambda: self._form(client, trigger, user, name, channel),
                )
                return
            self.pool.submit(self._answer, user, channel, entry_of(body), lambda: answer(user, channel, text))

        return listen

    def _button(self, answer: Callable[[str, str, str], str]) -> Callable[..., None]:
        def listen(ack: Ack, body: dict[str, Any]) -> None:
            ack()
            user, channel = str(body["user"]["id"]), str((body.get("channel") or {}).get("id", ""))
            run_id, _, digest = str(body["actions"][0].get("value", "")).partition(":")
            self.pool.submit(self._answer, user, channel, entry_of(body), lambda: answer(user, run_id, digest))

        return listen

    def _answer(self, user: str, channel: str, entry: str, do: Callable[[], str]) -> None:
        """Does what was asked and tells the one who asked; the one place where an error becomes a reply."""
        try:
            says = do()
        except FirstmateError as error:
            self.record(user, entry, str(error))
            says = f":no_entry: {sentence(str(error))}"
        except Exception:
            # The edge: a bug. The log has the traceback under the number that the person is told.
            number = secrets.token_hex(4)
            log.exception("bug %s in %s of %s", number, entry, user)
            says = f":warning: {self._bug(user, entry, number)}"
        if says:
            self.authorise.tell(user, channel, says[:3900])

    def _bug(self, user: str, entry: str, number: str) -> str:
        """Records a bug, and returns what the person is told of it."""
        self.record(user, entry, f"bug {number}")
        return f"That did not work, by a bug of Firstmate; the bot's log has it under `{number}`."

    # -- commands -------------------------------------------------------------------------------------------------

    def _triage(self, user: str, channel: str, text: str) -> str:
        if "=" in text or text.strip() == EVERYTHING:
            says = self.desk.sweep(user, text.strip(), channel)
            return f"{escape(says)} The card is in <#{channel}>."
        if len(text.split()) != 1:
            return HELP["/triage"]
        run = self.desk.triage(user, text.strip(), channel)
        return f"Looking at {code(run.target)}; the card is in <#{run.channel}>."

    def _runbook(self, user: str, channel: str, text: str) -> str:
        match text.split():
            case ["list"]:
                lines = [f"• {code(r.name)} {escape(r.title)} {code(r.digest[:7])}" for r in self.desk.runbooks()]
                return "\n".join([*lines, *(f"_{escape(each)}_" for each in self.desk.sources())])
            case ["show", name]:
                return f"```{fenced(self.desk.runbook_text(name), 3500)}```"
            case ["run", name, instance]:
                run = self.desk.ask(user, name, instance, channel)
                return f"Running {code(run.runbook)} on {code(run.target)}; the card is in <#{run.channel}>."
            case ["plan", name, instance, *remedy] if len(remedy) < 2:
                run, not_offered = self.desk.plan(user, name, instance, next(iter(remedy), ""))
                return plan_preview(run, not_offered)
            case ["why", _, *_]:
                return _why(self.desk.why(text.strip().partition(" ")[2].strip()))
            case _:
                return HELP["/runbook"]

    def _form(self, client: WebClient, trigger: str, user: str, name: str, channel: str) -> str:
        """Opens the form of a runbook; the trigger holds for three seconds."""
        title, fields = self.desk.form(user, name)
        client.views_open(trigger_id=trigger, view=form(name, title, "", channel, fields))
        return ""

    def _submitted(self, ack: Ack, body: dict[str, Any]) -> None:
        """Runs what a form asks for; what does not fit is marked at its field."""
        asked, user = filled(body["view"]), str(body["user"]["id"])
        try:
            run = self.desk.ask(user, asked.runbook, asked.instance, asked.channel, asked.inputs)
        except FirstmateError as error:
            self.record(user, RUN_FORM, str(error))
            ack(response_action="errors", errors=error_at(str(error), list(asked.inputs)))
            return
        except Exception:
            # The edge, as in _answer; a form shows its error at a field.
            number = secrets.token_hex(4)
            log.exception("bug %s in %s of %s", number, RUN_FORM, user)
            ack(response_action="errors", errors=error_at(self._bug(user, RUN_FORM, number), []))
            return
        ack()
        says = f"Running {code(run.runbook)} on {code(run.target)}; the card is in <#{run.channel}>."
        self.pool.submit(self.authorise.tell, user, asked.channel, says)

    def _mate(self, user: str, channel: str, text: str) -> str:
        word, _, reason = text.strip().partition(" ")
        match word:
            case "status" | "":
                return _status(self.desk.status())
            case "halt":
                return f":octagonal_sign: {sentence(self.desk.halt(user, reason.strip()))}"
            case "ack" if len(reason.split()) == 1:
                return (
                    f":white_check_mark: The cooldowns of {code(self.desk.acknowledge(user, reason.strip()))} are over."
                )
            case "break-glass" if reason.strip():
                run_id, _, why = reason.strip().partition(" ")
                run = self.desk.break_glass(user, run_id, why.strip())
                return f":rotating_light: {code(run.id)} looks again past freeze and cooldown, in <#{run.channel}>."
            case "pause" | "stop" | "retry" if reason.startswith("r-"):
                return self._held(user, word, reason.strip())
            case "resume" if reason.startswith("r-"):
                return self._held(user, "go_on", reason.strip())
            case "resume":
                still = self.desk.resume(user, reason.strip())
                if still:
                    return f":octagonal_sign: {sentence(still)}"
                return ":arrow_forward: Changes are allowed again."
            case _:
                return HELP["/mate"]

    def _held(self, user: str, how: str, run_id: str) -> str:
        if how == "retry":
            run = self.desk.retry(user, run_id)
            return f"Trying {code(run_id)} again as {code(run.id)}; the card is in <#{run.channel}>."
        run = {"pause": self.desk.pause, "stop": self.desk.stop, "go_on": self.desk.go_on}[how](user, run_id)
        says = {"pause": "It waits before its next turn", "stop": "It stops", "go_on": "It goes on"}[how]
        return f"{says}: {code(run.id)} is *{run.state.value}*."

    # -- buttons --------------------------------------------------------------------------------------------------

    def _approve(self, user: str, run_id: str, digest: str) -> str:
        self.desk.decide(user, run_id, digest, Choice.APPROVE)
        return ""

    def _deny(self, user: str, run_id: str, digest: str) -> str:
        self.desk.decide(user, run_id, digest, Choice.DENY)
        return ""

    def _undo(self, user: str, run_id: str, digest: str) -> str:
        self.desk.undo(user, run_id, digest)
        return "Undoing it; the thread will tell."

    def _take(self, user: str, run_id: str, _: str) -> str:
        self.desk.take(user, run_id, back=False)
        return ""

    def _holding(self, how: str) -> Callable[[str, str, str], str]:
        return lambda user, run_id, _: self._held(user, how, run_id)

    def _hand_back(self, user: str, run_id: str, _: str) -> str:
        self.desk.take(user, run_id, back=True)
        return ""


def build_app(
    client: WebClient, signing_secret: str | None, desk: FrontDesk, authorise: Authorise, record: Record
) -> App:
    """The Bolt app with every entry registered."""
    app = App(
        client=client,
        signing_secret=signing_secret or "unused in socket mode",
        request_verification_enabled=signing_secret is not None,
        token_verification_enabled=False,
        process_before_response=False,
        listener_executor=ThreadPoolExecutor(16, "bolt"),
        raise_error_for_unhandled_request=False,
    )
    Listeners(desk, authorise, record).register(app)
    return app


def _ignore(ack: Ack) -> None:
    ack()


def _why(why: Why) -> str:
    lines = [f"{code(why.alert)}: {escape(why.verdict)}"]
    for name, answers, says in why.runbooks[:30]:
        lines.append(f"• {':heavy_check_mark:' if answers else ':heavy_minus_sign:'} {code(name)} {escape(says[:500])}")
    if len(why.runbooks) > 30:
        lines.append(f"and {len(why.runbooks) - 30} more; firstmate match lists all")
    return "\n".join(lines)


def _status(status: Status) -> str:
    lines = [status.halted or ":arrow_forward: Changes are allowed."]
    for run in status.runs[:15]:
        waiting = waits(run)
        until = f", until {moment(waiting.until)}" if waiting.until else ""
        lines.append(
            f"• {code(run.id)} {code(run.runbook)} on {code(run.target)}: *{run.state.value}*, waits for "
            f"{sentence(waiting.what)} since {moment(waiting.since)}{until}"
        )
    if not status.runs:
        lines.append("No run is under way.")
    if status.waiting_messages:
        lines.append(f"{status.waiting_messages} messages wait for Slack.")
    return "\n".join(lines)
