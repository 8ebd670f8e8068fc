"""Names of workloads from the comments of a statement: which job or request handler sent it. Pure.

Sources: the specification of sqlcommenter (google.github.io/sqlcommenter/spec), the Rails gem marginalia and query log
tags of Rails, the directive WORKLOAD_NAME of Vitess (pull request 12394) and of Slack's workload instrumentation for
MySQL. All of it is text that a client wrote, so a name is bounded, has a small alphabet, and carries no ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

MOST_READ = 4000
"""Characters at the beginning of a statement that are searched; a comment at its very end is found, too."""
LONGEST_COMMENT = 1000
LONGEST = 64
"""Characters of a name."""

_TOKEN = re.compile(
    r"""'(?:[^'\\]|\\.|'')*(?:'|\Z)|"(?:[^"\\]|\\.|"")*(?:"|\Z)|`[^`]*(?:`|\Z)"""
    r"""|/\*(?P<block>.*?)(?:\*/|\Z)|(?:--(?=\s)|\#)(?P<line>[^\n]*)""",
    re.DOTALL,
)
_LAST = re.compile(r"/\*((?:(?!\*/|/\*).){0,1000})\*/[\s;]*\Z", re.DOTALL)
_WORKLOAD = re.compile(r"(?:^|[\s,;{|])WORKLOAD_NAME\s*=\s*['\"]?([A-Za-z0-9_:./\\-]+)", re.IGNORECASE)
_PAIR = re.compile(
    r"(?:^|,|;|\s)\s*([A-Za-z_][\w.-]{0,40})\s*[=:]\s*(?:'((?:[^'\\]|\\.)*)'|\"([^\"]*)\"|([^\s,;'\"]+))"
)
_SINGLE = re.compile(r"\s*([A-Za-z][\w-]*[:/#][\w.:/#-]+)\s*")
_NOT_A_COMMENT = ("!", "+", "M!")
"""What begins a comment that the server executes, or reads as a hint."""

_APPLICATIONS = ("application", "app", "app_name", "applicationname", "service", "service_name", "program")
_JOBS = ("job", "job_name", "task", "worker", "batch")
_ROUTES = ("route", "endpoint", "handler", "source_location")
_ID = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(?<![A-Za-z])(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{12,}|\d{3,}"
)
_STRANGE = re.compile(r"[^A-Za-z0-9_.:/#?+-]+")


def workload_of(statement: str | None) -> str:
    """Returns the name of the workload that a statement's comments give, such as `job:purge`; '' if they give none.

    The first comment that names one counts: WORKLOAD_NAME, then key-value pairs, then a comment that is a single name.
    """
    if not statement:
        return ""
    return next(filter(None, (_named(each) for each in comments(statement))), "")


def comments(statement: str) -> Iterator[str]:
    """Returns the comments of a statement without those in quotes and those that the server executes."""
    for found in _TOKEN.finditer(statement[:MOST_READ]):
        text = found["block"] if found["block"] is not None else found["line"]
        if text is not None and not text.startswith(_NOT_A_COMMENT):
            yield text[:LONGEST_COMMENT]
    last = _LAST.search(statement[-LONGEST_COMMENT - 8 :]) if len(statement) > MOST_READ else None
    if last is not None and not last[1].startswith(_NOT_A_COMMENT):
        yield last[1]


def plain_name(text: str) -> str:
    """Returns a name in a small alphabet, without ids, of at most 64 characters; '' if nothing is left."""
    words = _ID.sub("?", text[:LONGEST_COMMENT])
    return _STRANGE.sub("-", words).strip("-:/#.?")[:LONGEST]


def _named(comment: str) -> str:
    directive = _WORKLOAD.search(comment)
    if directive:
        return plain_name(directive[1])
    if comment.startswith("vt+"):
        return ""
    pairs = {found[1].lower(): _value(found) for found in _PAIR.finditer(comment)}
    name = _of_pairs({key: value for key, value in pairs.items() if value})
    if name:
        return name
    single = _SINGLE.fullmatch(comment)
    return plain_name(single[1]) if single else ""


def _value(found: re.Match[str]) -> str:
    quoted = found[2] if found[2] is not None else found[3]
    return plain_name(unquote(quoted.replace("\\'", "'") if quoted is not None else found[4]))


def _of_pairs(pairs: Mapping[str, str]) -> str:
    """Returns application and job, route, or controller and action, in one name."""
    application = next((pairs[key] for key in _APPLICATIONS if key in pairs), "")
    job = next((pairs[key] for key in _JOBS if key in pairs), "")
    controller = "#".join(filter(None, (pairs.get("controller", ""), pairs.get("action", ""))))
    if not pairs.get("controller"):
        controller = ""
    what = f"job:{job}" if job else controller or next((pairs[key] for key in _ROUTES if key in pairs), "")
    return "/".join(filter(None, (application, what.lstrip("/"))))[:LONGEST]
