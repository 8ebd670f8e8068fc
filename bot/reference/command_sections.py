"""A section for each command of `firstmate`, from its function: usage, what it does, arguments and options. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo, OptionInfo

from bot.cli.main import command
from bot.reference.markdown import table


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument or option of a command."""

    name: str
    """As it is written: `PATH...`, `--config`."""
    takes: str
    required: bool
    default: str
    says: str
    is_option: bool
    is_flag: bool


def command_sections() -> str:
    """Returns the sections of all commands, those of the lab included, in the order of `firstmate --help`."""
    return "\n\n".join(_section(*each) for each in commands_of(command("", listed_by={})))


def commands_of(app: typer.Typer, group: str = "") -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """Yields the name of each command, `audit verify` for one of a group, with its help and its function."""
    for info in app.registered_commands:
        assert info.callback is not None
        name = info.name or info.callback.__name__.replace("_", "-")
        yield f"{group} {name}".strip(), info.help or inspect.getdoc(info.callback) or "", info.callback
    for nested in app.registered_groups:
        assert nested.typer_instance is not None
        name = nested.name if isinstance(nested.name, str) else ""
        yield from commands_of(nested.typer_instance, f"{group} {name}".strip())


def _section(name: str, says: str, function: Callable[..., Any]) -> str:
    parameters = list(_parameters(function))
    parts = [f"### {name}", says, f"```text\n{_usage(name, parameters)}\n```"]
    if parameters:
        rows = [(f"`{p.name}`", p.takes, "*required*" if p.required else p.default, p.says) for p in parameters]
        parts.append(table(["argument or option", "takes", "default", "meaning"], rows))
    return "\n\n".join(parts)


def _usage(name: str, parameters: list[Parameter]) -> str:
    """The line to type: required parameters as they are, the others in brackets."""
    words = ["firstmate", name]
    for each in sorted(parameters, key=lambda parameter: (parameter.is_option, not parameter.required)):
        word = each.name if not each.is_option or each.is_flag else f"{each.name} {_value(each)}"
        words.append(word if each.required else f"[{word}]")
    return " ".join(words)


def _value(parameter: Parameter) -> str:
    return parameter.name.removeprefix("--").replace("-", "_").upper()


def _parameters(function: Callable[..., Any]) -> Iterator[Parameter]:
    hints = get_type_hints(function, include_extras=True)
    for name, found in inspect.signature(function).parameters.items():
        kind, *extras = get_args(hints[name]) if get_origin(hints[name]) is Annotated else (hints[name],)
        info = next((each for each in extras if isinstance(each, ArgumentInfo | OptionInfo)), None)
        if info is None or info.hidden:
            continue
        is_option = isinstance(info, OptionInfo)
        # Within Annotated, Typer takes the first word of typer.Option for its default; it is a declaration.
        words = (info.default, *(info.param_decls or ()))
        declared = next((each for each in words if isinstance(each, str) and each.startswith("--")), "")
        takes, several = _takes(kind)
        argument = info.metavar or name.upper() + ("..." if several else "")
        written = (declared or f"--{name.replace('_', '-')}") if is_option else argument
        yield Parameter(
            written,
            takes,
            found.default is inspect.Parameter.empty,
            _default(found.default),
            info.help or "",
            is_option,
            kind is bool,
        )


def _takes(kind: Any) -> tuple[str, bool]:  # noqa: ANN401 - an annotation
    """What a parameter takes, in a few words, and whether several of them."""
    if get_origin(kind) in (Union, UnionType):
        [kind] = [each for each in get_args(kind) if each is not NoneType]
    if get_origin(kind) is list:
        return f"{_takes(get_args(kind)[0])[0]}, repeatable", True
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{each.value}`" for each in kind), False
    return {bool: "–", str: "text", int: "a whole number", float: "a number", Path: "a path"}[kind], False


def _default(value: object) -> str:
    if isinstance(value, Enum):
        return f"`{value.value}`"
    return "" if value in (None, "", False, inspect.Parameter.empty) else f"`{value}`"
