"""Parses the output of SHOW GRANTS of MySQL 5.7 to 9.x and of MariaDB from 10.4. Pure.

MariaDB's output contains the password hash; only privileges, objects, role names and grant options are kept.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

ALL = "ALL PRIVILEGES"
USAGE = "USAGE"
"""MySQL's name for no privileges."""
SYNONYMS = {
    "ALL": ALL,
    "REPLICA MONITOR": "SLAVE MONITOR",
    "REPLICATION REPLICA": "REPLICATION SLAVE",
    "REPLICATION REPLICA ADMIN": "REPLICATION SLAVE ADMIN",
    "DELETE VERSIONING ROWS": "DELETE HISTORY",
}
"""Synonyms of MariaDB -> the name that SHOW GRANTS uses."""

_TOKEN = re.compile(
    r"`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|[(),@.*]|[^\s(),@.*`'\"]+", re.DOTALL
)
_ROUTINES = ("FUNCTION", "PROCEDURE", "PACKAGE BODY", "PACKAGE")
_PLAIN = re.compile(r"[A-Za-z0-9_$]+")
_PLAIN_IN_QUOTES = re.compile(r"[^'`\\\x00-\x1f\x7f]*")


@dataclass(frozen=True, slots=True, order=True)
class PrivilegeScope:
    """The object of a privilege; `*.*` by default.

    In a privilege on a whole database, its name is a pattern with % and _.
    """

    database: str = "*"
    name: str = "*"
    """A table, a routine, or `*`."""
    kind: str = ""
    """FUNCTION, PROCEDURE and so on; PROXY, where database and name are an account; '' for tables."""

    def __str__(self) -> str:
        if self.kind == "PROXY":
            return account_name(f"{self.database}@{self.name}")
        place = f"{identifier(self.database)}.{identifier(self.name)}"
        return f"{self.kind} {place}" if self.kind else place

    def covers(self, other: PrivilegeScope) -> bool:
        """Returns whether a privilege on this scope includes the other scope."""
        if self == other or self.kind or other.kind:
            return self == other
        if self.database == "*":
            return True
        if self.name == "*":
            return other.database != "*" and _like(self.database).fullmatch(other.database) is not None
        return False


EVERYWHERE = PrivilegeScope()


@dataclass(frozen=True, slots=True, order=True)
class Privilege:
    """One privilege on one scope."""

    name: str
    scope: PrivilegeScope = EVERYWHERE
    columns: tuple[str, ...] = ()
    """The columns that it is limited to; empty for the whole table."""
    grantable: bool = False
    """Whether it has the grant option."""

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(map(identifier, self.columns))})" if self.columns else self.name


@dataclass(frozen=True, slots=True)
class AccountPrivileges:
    """The privileges of an account after login: its own, and those of roles that are active by default."""

    account: str
    """The account as CURRENT_USER() returns it: user@host."""
    privileges: tuple[Privilege, ...] = ()
    except_: tuple[Privilege, ...] = ()
    """MySQL's partial revokes, which restrict global privileges."""
    roles: tuple[str, ...] = ()
    """The granted roles, active or not, quoted as in SHOW GRANTS."""
    borrowed: bool = False
    """Whether some privileges come from a role, so that they cannot be revoked from the account."""
    unread: int = 0
    """The number of lines that could not be parsed."""

    def has(self, names: Collection[str], scope: PrivilegeScope) -> bool:
        """Returns whether the account has one of these privileges, or ALL PRIVILEGES, on the whole scope."""
        return any(
            privilege.scope.covers(scope) and not privilege.columns and not self._revoked(privilege, scope)
            for privilege in self.privileges
            if privilege.name in names or privilege.name == ALL
        )

    def where(self, names: Collection[str]) -> frozenset[PrivilegeScope]:
        """Returns the scopes on which the account has one of these privileges."""
        return frozenset(p.scope for p in self.privileges if (p.name in names or p.name == ALL) and not p.columns)

    def _revoked(self, privilege: Privilege, scope: PrivilegeScope) -> bool:
        if privilege.scope != EVERYWHERE or scope.database == "*":
            return False
        return any(each.name in (privilege.name, ALL) and each.scope.covers(scope) for each in self.except_)


def parse(account: str, lines: Iterable[str]) -> AccountPrivileges:
    """Parses the lines of SHOW GRANTS for an account; lines of another form are counted as unread."""
    privileges: list[Privilege] = []
    except_: list[Privilege] = []
    roles: list[str] = []
    grantees: set[str] = set()
    unread = 0
    for line in lines:
        tokens = _TOKEN.findall(line)
        verb = tokens[0].upper() if tokens else ""
        if verb == "SET":  # MariaDB: SET DEFAULT ROLE
            continue
        here, to = _keyword(tokens, "ON"), _keyword(tokens, "FROM" if verb == "REVOKE" else "TO")
        if verb not in ("GRANT", "REVOKE") or not to:
            unread += 1
            continue
        grantee = _grantee(tokens[to + 1 :])
        if not 0 < here < to:
            roles += _roles(tokens[1:to]) if grantee == account else ()
            continue
        found = _privileges(tokens[1:here], _scope(tokens[here + 1 : to]), _has_grant_option(tokens[to:]))
        (except_ if verb == "REVOKE" else privileges).extend(found)
        grantees.add(grantee)
    return AccountPrivileges(
        account,
        tuple(privileges),
        tuple(except_),
        tuple(dict.fromkeys(roles)),
        # MariaDB lists the privileges of a role under the role's name, MySQL under the account.
        borrowed=len(grantees) > 1 or any("`@`" in role for role in roles),
        unread=unread,
    )


def identifier(name: str) -> str:
    """Quotes a name for GRANT with backticks, if necessary."""
    return name if name == "*" or _PLAIN.fullmatch(name) else f"`{name.replace('`', '``')}`"


def account_name(account: str) -> str:
    """Quotes an account for GRANT, given as CURRENT_USER() returns it; the host follows the last @.

    A name with a quote or a backslash is quoted with backticks, in which there are no escapes.
    """
    user, _, host = account.rpartition("@")
    return f"{_text(user)}@{_text(host)}"


def _text(name: str) -> str:
    return f"'{name}'" if _PLAIN_IN_QUOTES.fullmatch(name) else f"`{name.replace('`', '``')}`"


def _keyword(tokens: list[str], word: str) -> int:
    """Returns the index of a keyword outside parentheses; 0 without one."""
    depth = 0
    for place, mark in enumerate(tokens):
        depth += (mark == "(") - (mark == ")")
        if depth == 0 and mark.upper() == word:
            return place
    return 0


def _bare(mark: str) -> str:
    if len(mark) > 1 and mark[0] == mark[-1] and mark[0] in "`'\"":
        return mark[1:-1].replace(mark[0] * 2, mark[0])
    return mark


def _split(tokens: list[str]) -> Iterator[list[str]]:
    """Splits tokens at the commas outside parentheses."""
    part: list[str] = []
    depth = 0
    for mark in tokens:
        depth += (mark == "(") - (mark == ")")
        if mark == "," and depth == 0:
            yield part
            part = []
        else:
            part.append(mark)
    yield part


def _privileges(tokens: list[str], scope: PrivilegeScope, grantable: bool) -> Iterator[Privilege]:
    for part in _split(tokens):
        opens = part.index("(") if "(" in part else len(part)
        name = " ".join(part[:opens]).upper()
        name = SYNONYMS.get(name, name)
        columns = tuple(_bare(mark) for mark in part[opens:] if mark not in "(),")
        if name == "PROXY":
            scope = PrivilegeScope(scope.database, scope.name, "PROXY")
        if name != USAGE or grantable:
            yield Privilege(name, scope, columns, grantable)


def _scope(words: list[str]) -> PrivilegeScope:
    """Parses the object between ON and TO: `*.*`, database.*, database.table, FUNCTION database.name, or an account."""
    kind = next((kind for kind in _ROUTINES if words[: len(kind.split())] == kind.split()), "")
    words = words[len(kind.split()) :]
    if words[:1] == ["TABLE"]:
        words = words[1:]
    names = [_bare(word) for word in words if word not in (".", "@")]
    return PrivilegeScope(names[0] if names else "*", names[1] if len(names) > 1 else "*", kind)


def _grantee(tokens: list[str]) -> str:
    """Returns the grantee: `user`@`host`, `role`, or PUBLIC."""
    user = _bare(tokens[0]) if tokens else ""
    return f"{user}@{_bare(tokens[2])}" if tokens[1:2] == ["@"] and len(tokens) > 2 else user


def _roles(tokens: list[str]) -> Iterator[str]:
    for part in _split(tokens):
        yield "".join(f"`{_bare(mark).replace('`', '``')}`" if mark != "@" else "@" for mark in part)


def _has_grant_option(tail: list[str]) -> bool:
    """Returns whether the tokens after the grantee contain the grant option."""
    words = [mark.upper() for mark in tail]
    return ("GRANT", "OPTION") in pairwise(words)


def _like(pattern: str) -> re.Pattern[str]:
    """Compiles a pattern of a database name: % matches any text, _ one character, a backslash escapes the next one."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    regular = "".join(
        ".*" if part == "%" else "." if part == "_" else re.escape(part[1] if len(part) == 2 else part)
        for part in parts
    )
    return re.compile(regular, re.IGNORECASE | re.DOTALL)
