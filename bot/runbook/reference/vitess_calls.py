"""Lists the Vitess RPCs and pages that an action reads, from its privileges, and calls, from its code. Pure."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import ModuleType

from actions.catalog import DIAGNOSTICS, REMEDIATIONS
from actions.contract import Flavour, Remediation

CALL, VTORC = "call", "vtorc"
"""The functions of actions.vitess_contract that make a change; `vtorc` takes a path."""


def calls_read(name: str) -> list[str]:
    """Returns the RPCs and pages that an action reads: everything that it needs except the calls of its changes."""
    declared = DIAGNOSTICS[name] if name in DIAGNOSTICS else REMEDIATIONS[name]
    changing = {call_name(text) for undo in (False, True) for text in calls_of_change(name, undo=undo)}
    needs = declared.needs.get(Flavour.VITESS, ())
    return [each for each in needs if each not in changing and f"/{each.rpartition('/')[2]}" not in changing]


def calls_of_change(name: str, *, undo: bool = False) -> list[str]:
    """Returns the calls of a remediation's change, or of its undo with `undo`, and the fields that they set."""
    if name not in REMEDIATIONS:
        return []
    return list(dict.fromkeys(_calls(REMEDIATIONS[name], "undo" if undo else "change")))


def call_name(text: str) -> str:
    """Returns the RPC of a call in the documentation's notation, or the last part of VTOrc's path."""
    name, _, rest = text.partition(" ")
    return f"/{rest.rpartition('/')[2]}" if name == "VTOrc" else name


def _calls(declared: type[Remediation], method: str) -> Iterator[str]:
    """Yields the calls of a method and of the functions in its module that it uses."""
    module = sys.modules[declared.__module__]
    functions = _functions(inspect.getsource(module))
    seen, left = {method}, [method]
    while left:
        for node in ast.walk(functions[left.pop(0)]):
            if not isinstance(node, ast.Call):
                continue
            used = getattr(node.func, "attr", getattr(node.func, "id", ""))
            text = _text(node, module) if isinstance(node.func, ast.Name) else ""
            if text:
                yield text
            elif used in functions and used not in seen:
                seen.add(used)
                left.append(used)


def _text(node: ast.Call, module: ModuleType) -> str:
    """Returns a call of `call` or `vtorc` in the documentation's notation, '' for any other call."""
    name, first = getattr(node.func, "id", ""), node.args[0] if node.args else None
    if name == CALL and isinstance(first, ast.Constant):
        return f"{first.value!s} {{{', '.join(each.arg for each in node.keywords if each.arg)}}}"
    if name == VTORC and isinstance(first, ast.Name):
        path = getattr(module, first.id, "")
        return f"VTOrc {path}" if isinstance(path, str) and path else ""
    return ""


@lru_cache(maxsize=64)
def _functions(source: str) -> Mapping[str, ast.FunctionDef]:
    return {node.name: node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
