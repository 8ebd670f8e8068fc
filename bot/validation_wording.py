"""Errors of pydantic in the words of somebody who writes YAML. Pure."""

from __future__ import annotations

from types import UnionType
from typing import Any

from pydantic_core import ErrorDetails

_EXPECTED = {
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be text; put it in quotes",
    "path_type": "must be a path",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "dict_type": "must be a mapping",
    "string_too_short": "must not be empty",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "string_too_long": "must have at most {max_length} characters",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "date_from_datetime_parsing": "must be a date such as 2026-11-27",
    "datetime_from_date_parsing": "must be a date and time such as 2026-11-27T18:00",
    "datetime_parsing": "must be a date and time such as 2026-11-27T18:00",
    "time_parsing": "must be a time of day such as '22:00'",
}


def requirement(error: ErrorDetails) -> str:
    """Returns what a value must be, such as `must be at most 5`; for an unusual error, pydantic's own words."""
    template = _EXPECTED.get(error["type"])
    if template is None:
        return f"is not accepted: {error['msg']}"
    context = error.get("ctx", {})
    if context.get("min_length") == 1:
        template = template.replace("at least {min_length} entries", "at least one entry")
    return template.format(**context)


def choices(error: ErrorDetails) -> list[str]:
    """Returns the words that an error of a literal or an enum lists."""
    return [word.strip(" '") for word in error["ctx"]["expected"].replace(" or ", ",").split(",")]


def got(value: Any) -> str:  # noqa: ANN401 - a YAML value
    """Returns `, got 'x'` for a scalar; '' for a mapping or a list, which would be long."""
    return "" if isinstance(value, dict | list | UnionType) else f", got {str(value)[:60]!r}"
