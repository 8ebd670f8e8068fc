"""The tables of docs/runbooks.md, made from the models, filters, tests and rules themselves. Pure.

`python -m bot.runbook.reference.language_tables docs/runbooks.md` writes them anew between their marks.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bot.runbook.expressions.evaluation import evaluate
from bot.runbook.expressions.filters import FILTERS, TESTS, show
from bot.runbook.language.json_schema import runbook_schema
from bot.runbook.linting.rules import RULES

_MARK = re.compile(r"(<!-- (\w+)(?:: (\w+))? -->\n).*?(<!-- end -->)", re.DOTALL)
ROWS = [{"user": "app", "age": 90.0, "lag": None}, {"user": "app", "age": 5.0, "lag": 2.5}, {"user": "etl", "age": 30.0, "lag": 8.0}]  # fmt: skip  # noqa: E501
"""What the examples read as `rows`."""
SCOPE: Mapping[str, Any] = {"rows": ROWS, "size": 3221225472, "behind": 754.4, "word": "Yes", "nothing": None}
FILTER_EXAMPLES: Mapping[str, tuple[str, str]] = {
    "abs": ("-3 | abs", "The number without its sign."),
    "bytes": ("size | bytes", "A size as people say it."),
    "default": ('nothing | default("none")', "Something instead where a value is empty (NULL)."),
    "duration": ("behind | duration", "Seconds as people say them."),
    "first": ("(rows | first).user", "The first item; an empty list is an error, so ask for its length before."),
    "int": ("behind | int", "The whole part of a number."),
    "join": ('rows | pick("user") | unique | join(" and ")', "All items as one text, with this between them."),
    "largest": ('(rows | largest("age")).user', "The item whose field is the largest."),
    "last": ("(rows | last).user", "The last item, as `first`."),
    "length": ("rows | length", "How many items a list has, or characters a text."),
    "lower": ("word | lower", "The text in lower case."),
    "max": ('rows | pick("lag") | max', "The largest item; empty ones do not count."),
    "min": ('rows | pick("lag") | min', "The smallest item; empty ones do not count."),
    "pick": ('rows | pick("age")', "One field of every item."),
    "plural": ('rows | length | plural("session")', "A number with its word, and an s where there are several."),
    "round": ("behind | round", "The nearest whole number, or with so many digits: `round(1)`."),
    "shorten": ('"a long text" | shorten(6)', "At most so many characters."),
    "sum": ('rows | pick("age") | sum', "The sum of the items; empty ones do not count."),
    "unique": ('rows | pick("user") | unique', "Every item once."),
    "where": ('rows | where("age", ">", 10) | length', "Items whose field compares so; with the name alone, is true."),
}
TEST_EXAMPLES: Mapping[str, tuple[str, str]] = {
    "ending_with": ('word is ending_with("es")', "The text ends with one of these."),
    "false": ("(1 > 2) is false", "It is false."),
    "in": ('word is in(["Yes", "No"])', "It is one of these; `word in [...]` is the same."),
    "known": ("nothing is known", "It is not empty (NULL)."),
    "none": ("nothing is none", "It is empty (NULL)."),
    "starting_with": ('word is starting_with("Y", "N")', "The text begins with one of these."),
    "true": ("(1 < 2) is true", "It is true."),
}


def filled(page: str) -> str:
    """The page with every table between its marks made anew."""
    return _MARK.sub(lambda found: f"{found[1]}{_TABLES[found[2]](found[3] or '')}\n{found[4]}", page)


def _keys(part: str) -> str:
    """The keys of one part of a runbook."""
    schema = runbook_schema()
    found = schema if part == "Runbook" else schema["$defs"][part]
    needed = set(found.get("required", ()))
    lines = ["| key | takes | default | meaning |", "|---|---|---|---|"]
    for name, value in found["properties"].items():
        default = "*must be given*" if name in needed else _default(value.get("default"))
        lines.append(f"| `{name}` | {_takes(name, value)} | {default} | {_cell(value.get('description', ''))} |")
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


def _takes(name: str, schema: Mapping[str, Any]) -> str:
    """What a key takes, in plain words."""
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
        return _takes("", choices[0])
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
    return {"string": "texts", "integer": "numbers", "object": "mappings"}.get(str(items.get("type")), "values")


def _bounds(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minimum", schema.get("minItems")), schema.get("maximum", schema.get("maxItems"))
    if least is not None and most is not None:
        return f", {least:g} to {most:g}"
    return f", at most {most:g}" if most is not None else f", at least {least:g}" if least is not None else ""


def _examples(kind: str) -> Callable[[str], str]:
    def table(_: str) -> str:
        known, examples = (FILTERS, FILTER_EXAMPLES) if kind == "filter" else (TESTS, TEST_EXAMPLES)
        lines = [f"| {kind} | what it gives | example | which is |", "|---|---|---|---|"]
        for name in sorted(known):
            source, says = examples[name]
            value = show(evaluate(source, SCOPE))
            lines.append(f"| `{name}` | {_cell(says)} | `{_cell(source)}` | `{_cell(str(value))}` |")
        return "\n".join(lines)

    return table


def _rules(_: str) -> str:
    return "\n".join(["| rule | | finds |", "|---|---|---|", *_rows()])


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
    """Writes the tables of these pages anew."""
    for each in paths:
        page = Path(each)
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
