"""Generates the tables of docs/runbooks.md from the models, filters, tests and lint rules.

`python -m bot.runbook.reference.language_tables docs/runbooks.md` regenerates them between their markers.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bot.runbook.expressions.evaluation import evaluate
from bot.runbook.expressions.filters import FILTERS, TESTS, format_value
from bot.runbook.language.json_schema import runbook_schema
from bot.runbook.linting.rules import RULES

_MARK = re.compile(r"(<!-- (\w+)(?:: (\w+))? -->\n).*?(<!-- end -->)", re.DOTALL)
ROWS = [{"user": "app", "age": 90.0, "lag": None}, {"user": "app", "age": 5.0, "lag": 2.5}, {"user": "etl", "age": 30.0, "lag": 8.0}]  # fmt: skip  # noqa: E501
"""The value of `rows` in the examples."""
SCOPE: Mapping[str, Any] = {"rows": ROWS, "size": 3221225472, "behind": 754.4, "word": "Yes", "nothing": None}
FILTER_EXAMPLES: Mapping[str, tuple[str, str]] = {
    "abs": ("-3 | abs", "The absolute value."),
    "bytes": ("size | bytes", "Formats a number of bytes."),
    "default": ('nothing | default("none")', "The value, or the argument if the value is NULL."),
    "duration": ("behind | duration", "Formats a number of seconds."),
    "first": ("(rows | first).user", "The first item; an error for an empty list, so check its length first."),
    "int": ("behind | int", "The integer part of a number."),
    "join": ('rows | pick("user") | unique | join(" and ")', "The items as one text, with the argument between them."),
    "largest": ('(rows | largest("age")).user', "The item with the largest value of the field."),
    "last": ("(rows | last).user", "The last item; an error for an empty list."),
    "length": ("rows | length", "The number of items of a list, or of characters of a text."),
    "lower": ("word | lower", "The text in lower case."),
    "max": ('rows | pick("lag") | max', "The largest item, without NULL."),
    "min": ('rows | pick("lag") | min', "The smallest item, without NULL."),
    "pick": ('rows | pick("age")', "The values of one field of all items."),
    "plural": ('rows | length | plural("session")', "A number with a noun, in the plural unless the number is 1."),
    "round": ("behind | round", "The number rounded to an integer, or to so many digits: `round(1)`."),
    "shorten": ('"a long text" | shorten(6)', "The text truncated to so many characters."),
    "sum": ('rows | pick("age") | sum', "The sum of the items, without NULL."),
    "unique": ('rows | pick("user") | unique', "The items without duplicates."),
    "where": ('rows | where("age", ">", 10) | length', "The items whose field matches; with a name alone, is true."),
}
TEST_EXAMPLES: Mapping[str, tuple[str, str]] = {
    "ending_with": ('word is ending_with("es")', "The text ends with one of the arguments."),
    "false": ("(1 > 2) is false", "The value is false."),
    "in": ('word is in(["Yes", "No"])', "The value is an item of the list; same as `word in [...]`."),
    "known": ("nothing is known", "The value is not NULL."),
    "none": ("nothing is none", "The value is NULL."),
    "starting_with": ('word is starting_with("Y", "N")', "The text begins with one of the arguments."),
    "true": ("(1 < 2) is true", "The value is true."),
}


def regenerate(page: str) -> str:
    """Returns the page with the table between each pair of markers regenerated."""
    return _MARK.sub(lambda found: f"{found[1]}{_TABLES[found[2]](found[3] or '')}\n{found[4]}", page)


def _keys(part: str) -> str:
    """Returns the table of the keys of one part of a runbook."""
    schema = runbook_schema()
    found = schema if part == "Runbook" else schema["$defs"][part]
    required = set(found.get("required", ()))
    lines = ["| Key | Value | Default | Description |", "|---|---|---|---|"]
    for name, value in found["properties"].items():
        default = "*required*" if name in required else _default(value.get("default"))
        lines.append(f"| `{name}` | {_value_text(name, value)} | {default} | {_cell(value.get('description', ''))} |")
    return "\n".join(lines)


def _default(value: object) -> str:
    return "" if value in (None, [], {}, "") else f"`{str(value).lower() if isinstance(value, bool) else value}`"


_USES = {"use": "the name of an action", "match": "a list of matchers, or a mapping", "on": "a place, or a selector"}
_NAMED = {
    "inputs": "name: input",
    "gather": "name: step, or the name of a diagnostic",
    "remedies": "name: remedy",
    "given": "step: evidence",
}


def _value_text(name: str, schema: Mapping[str, Any]) -> str:
    """Describes the value of a key."""
    if name in _USES:
        return _USES[name]
    if schema.get("type") == "object":
        return _NAMED.get(name, "name: value")
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    choices = [each for each in schema.get("anyOf", schema.get("oneOf", ())) if each.get("type") != "null"]
    if choices:
        return _choice(choices, schema)
    return _simple(schema)


def _choice(choices: list[dict[str, Any]], schema: Mapping[str, Any]) -> str:
    if len(choices) == 1:
        return _value_text("", choices[0])
    types = [each.get("type") for each in choices]
    if types == ["number", "string"]:
        return f"a duration, e.g. `30s`{_bounds(schema)}"
    return " or ".join(dict.fromkeys(_simple(each) for each in choices))


def _simple(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1].lower()
    match schema.get("type"):
        case "array":
            return f"a list of {_plural(schema.get('items', {}))}{_bounds(schema)}"
        case "string":
            longest = f" of at most {schema['maxLength']:,} characters" if "maxLength" in schema else ""
            return f"text{longest}"
        case "integer" | "number":
            return f"a number{_bounds(schema)}"
        case "boolean":
            return "`true` or `false`"
        case "object":
            return "a mapping"
    return "any value"


def _plural(items: Mapping[str, Any]) -> str:
    if "$ref" in items:
        return f"{items['$ref'].rsplit('/', 1)[1].lower()}s"
    if "enum" in items:
        return ", ".join(f"`{word}`" for word in items["enum"])
    return {"string": "texts", "integer": "numbers", "object": "mappings"}.get(str(items.get("type")), "values")


def _bounds(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minimum", schema.get("minItems")), schema.get("maximum", schema.get("maxItems"))
    if least is not None and most is not None:
        return f", {least:g} to {most:g}"
    return f", at most {most:g}" if most is not None else f", at least {least:g}" if least is not None else ""


def _examples(kind: str) -> Callable[[str], str]:
    def table(_: str) -> str:
        known, examples = (FILTERS, FILTER_EXAMPLES) if kind == "filter" else (TESTS, TEST_EXAMPLES)
        lines = [f"| {kind.capitalize()} | Result | Example | Example result |", "|---|---|---|---|"]
        for name in sorted(known):
            source, says = examples[name]
            value = format_value(evaluate(source, SCOPE))
            lines.append(f"| `{name}` | {_cell(says)} | `{_cell(source)}` | `{_cell(str(value))}` |")
        return "\n".join(lines)

    return table


def _rules(_: str) -> str:
    return "\n".join(["| Rule | Severity | Reports |", "|---|---|---|", *_rows()])


def _rows() -> Iterator[str]:
    for name, rule in RULES.items():
        yield f"| `{name}` | {rule.severity.value} | {_cell(rule.description)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


_TABLES: Mapping[str, Callable[[str], str]] = {
    "keys": _keys,
    "filters": _examples("filter"),
    "tests": _examples("test"),
    "rules": _rules,
}


def main(paths: Iterable[str]) -> None:
    """Regenerates the tables of these pages."""
    for each in paths:
        page = Path(each)
        page.write_text(regenerate(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
