"""The views.* methods: open, update and push modals."""

from __future__ import annotations

from bot.lab.slack_workspace.block_kit.block_rules import check_blocks, with_ids
from bot.lab.slack_workspace.block_kit.element_rules import PLAIN, Violations, check_string, check_text, violation
from bot.lab.slack_workspace.model import Json, SlackError
from bot.lab.slack_workspace.web_api.api_call import ApiCall
from bot.lab.slack_workspace.workspace_state import WorkspaceState

ALLOWED = frozenset(
    {"type", "title", "blocks", "close", "submit", "submit_disabled", "private_metadata", "callback_id", "external_id"}
    | {"clear_on_close", "notify_on_close"}
)


def _violations(view: Json) -> Violations:
    if view.get("type") != "modal":
        yield violation("must be one of: modal", "/view/type")
    yield from check_text(view.get("title"), "/view/title", 24, PLAIN)
    for name in ("submit", "close"):
        if view.get(name) is not None:
            yield from check_text(view[name], f"/view/{name}", 24, PLAIN)
    for name, limit in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
        if view.get(name) is not None:
            yield from check_string(view[name], f"/view/{name}", limit, 0)
    for name in sorted(set(view) - ALLOWED):
        yield violation(f"additional property: {name}", "/view")
    blocks = view.get("blocks")
    if not isinstance(blocks, list):
        yield violation("missing required field: blocks", "/view/blocks")
        return
    yield from check_blocks(blocks, "modal", "/view/blocks")
    if any(isinstance(block, dict) and block.get("type") == "input" for block in blocks) and not view.get("submit"):
        yield violation("missing required field: submit", "/view")


def checked_view(view: object) -> Json:
    """Returns a view with its ids and defaults filled in; raises invalid_arguments with all violations."""
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments", response_metadata={"messages": ["[ERROR] must provide an object"]})
    violations = list(_violations(view))
    if violations:
        raise SlackError("invalid_arguments", response_metadata={"messages": violations})
    return {
        "callback_id": "",
        "private_metadata": "",
        "external_id": "",
        "clear_on_close": False,
        "notify_on_close": False,
        "submit": None,
        "close": None,
        **view,
        "blocks": with_ids(view["blocks"]),
        "state": {"values": {}},
    }


def public(state: WorkspaceState, view: Json) -> Json:
    """Returns a view as the app sees it."""
    ids = {"team_id": state.team_id, "app_id": state.app.app_id, "bot_id": state.app.id}
    return {**view, **ids, "app_installed_team_id": state.team_id}


def _told(call: ApiCall, user: str) -> None:
    call.state.hub.publish({"type": "view", "user": user})


def open_view(call: ApiCall) -> Json:
    """views.open."""
    view = checked_view(call.structure("view", "invalid_arguments"))
    user = call.state.triggers.redeem(call.required("trigger_id"))
    call.state.views.clear(user)
    opened = call.state.views.push(user, view)
    _told(call, user)
    return {"view": public(call.state, opened.view)}


def push_view(call: ApiCall) -> Json:
    """views.push."""
    view = checked_view(call.structure("view", "invalid_arguments"))
    user = call.state.triggers.redeem(call.required("trigger_id"))
    opened = call.state.views.push(user, view)
    _told(call, user)
    return {"view": public(call.state, opened.view)}


def update_view(call: ApiCall) -> Json:
    """views.update."""
    view = checked_view(call.structure("view", "invalid_arguments"))
    opened = call.state.views.find(call.text("view_id"), call.text("external_id"))
    call.state.views.replace(opened, view, call.text("hash"))
    _told(call, opened.user)
    return {"view": public(call.state, opened.view)}
