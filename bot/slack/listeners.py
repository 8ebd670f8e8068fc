"""The entries from Slack: commands, buttons and forms. A listener acknowledges at once; a thread pool does the work."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.engine.run import Choice
from bot.engine.user_commands import Commands
from bot.slack import action_ids
from bot.slack.authorize import Authorize, entry_of
from bot.slack.error_replies import ErrorReply, Record, attempt
from bot.slack.lookups import Lookups
from bot.slack.run_form import RUN_FORM, error_at, filled, form
from bot.slack.slash_commands import FORM, SlashCommands, running


@dataclass
class Listeners:
    """Registers every entry with Bolt, and turns every result and error into one ephemeral reply."""

    commands: Commands
    lookups: Lookups
    slash_commands: SlashCommands
    authorize: Authorize
    record: Record
    pool: Executor = field(default_factory=lambda: ThreadPoolExecutor(8, "listener"))

    def register(self, app: App) -> None:
        """Registers commands, buttons and catch-alls; the first one that matches a request handles it."""
        app.use(self.authorize)
        app.command("/triage")(self._command(self.slash_commands.triage))
        app.command("/runbook")(self._command(self.slash_commands.runbook))
        app.command("/mate")(self._command(self.slash_commands.mate))
        app.action(re.compile(rf"{re.escape(action_ids.APPROVE)}(\..+)?"))(self._button(self._approve))
        app.action(action_ids.DENY)(self._button(self._deny))
        app.action(action_ids.UNDO)(self._button(self._undo))
        app.action(action_ids.TAKE)(self._button(self._take))
        app.action(action_ids.HAND_BACK)(self._button(self._hand_back))
        app.action(action_ids.PAUSE)(self._button(self._pause))
        app.action(action_ids.STOP)(self._button(self._stop))
        app.action(action_ids.GO_ON)(self._button(self._go_on))
        app.action(action_ids.RETRY)(self._button(self._retry))
        app.view(RUN_FORM)(self._submitted)
        # Slack sends again what is not acknowledged, so every other event is.
        app.event("message")(_ignore)
        app.event("app_mention")(_ignore)

    # -- entries --------------------------------------------------------------------------------------------------

    def _command(self, answer: Callable[[str, str, str], str]) -> Callable[..., None]:
        def listen(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
            ack()
            user, channel = str(body["user_id"]), str(body["channel_id"])
            text = str(body.get("text", ""))
            wanted = FORM.fullmatch(f"{body['command']} {text.strip()}")

            def do() -> str:
                if wanted is not None:
                    return self._form(client, str(body["trigger_id"]), user, wanted[1], channel)
                return answer(user, channel, text)

            self.pool.submit(self._answer, user, channel, entry_of(body), do)

        return listen

    def _button(self, answer: Callable[[str, str, str], str]) -> Callable[..., None]:
        def listen(ack: Ack, body: dict[str, Any]) -> None:
            ack()
            user, channel = str(body["user"]["id"]), str((body.get("channel") or {}).get("id", ""))
            run_id, _, digest = str(body["actions"][0].get("value", "")).partition(":")
            self.pool.submit(self._answer, user, channel, entry_of(body), lambda: answer(user, run_id, digest))

        return listen

    def _answer(self, user: str, channel: str, entry: str, do: Callable[[], str]) -> None:
        """Executes a request and replies to its sender."""
        answer = attempt(self.record, user, entry, do)
        says = answer.message if isinstance(answer, ErrorReply) else answer
        if says:
            self.authorize.tell(user, channel, says[:3900])

    # -- the form -------------------------------------------------------------------------------------------------

    def _form(self, client: WebClient, trigger: str, user: str, name: str, channel: str) -> str:
        """Opens the form of a runbook; Slack accepts the trigger for three seconds."""
        title, fields = self.lookups.form(user, name)
        client.views_open(trigger_id=trigger, view=form(name, title, "", channel, fields))
        return ""

    def _submitted(self, ack: Ack, body: dict[str, Any]) -> None:
        """Runs the runbook of a submitted form; an error is shown at the field that it is about."""
        asked, user = filled(body["view"]), str(body["user"]["id"])
        run = attempt(
            self.record,
            user,
            RUN_FORM,
            lambda: self.commands.ask(user, asked.runbook, asked.instance, asked.channel, asked.inputs),
        )
        if isinstance(run, ErrorReply):
            ack(response_action="errors", errors=error_at(run.says, list(asked.inputs)))
            return
        ack()
        self.pool.submit(self.authorize.tell, user, asked.channel, running(run))

    # -- buttons --------------------------------------------------------------------------------------------------

    def _approve(self, user: str, run_id: str, digest: str) -> str:
        self.commands.decide(user, run_id, digest, Choice.APPROVE)
        return ""

    def _deny(self, user: str, run_id: str, digest: str) -> str:
        self.commands.decide(user, run_id, digest, Choice.DENY)
        return ""

    def _undo(self, user: str, run_id: str, digest: str) -> str:
        self.commands.undo(user, run_id, digest)
        return "The change is being undone; the thread shows the result."

    def _take(self, user: str, run_id: str, _: str) -> str:
        self.commands.take(user, run_id)
        return ""

    def _hand_back(self, user: str, run_id: str, _: str) -> str:
        self.commands.hand_back(user, run_id)
        return ""

    def _pause(self, user: str, run_id: str, _: str) -> str:
        return self.slash_commands.pause(user, run_id)

    def _stop(self, user: str, run_id: str, _: str) -> str:
        return self.slash_commands.stop(user, run_id)

    def _go_on(self, user: str, run_id: str, _: str) -> str:
        return self.slash_commands.go_on(user, run_id)

    def _retry(self, user: str, run_id: str, _: str) -> str:
        return self.slash_commands.retry(user, run_id)


def _ignore(ack: Ack) -> None:
    ack()
