"""Reads the answer of SHOW GRANTS: MySQL 5.7 to 9.x and MariaDB from 10.4. Pure.

MariaDB puts the hash of the password into that answer; of each line only privileges, objects, names of roles and the
grant option are kept.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

ALL = "ALL PRIVILEGES"
USAGE = "USAGE"
"""No privilege at all."""
SYNONYMS = {
    "ALL": ALL,
    "REPLICA MONITOR": "SLAVE MONITOR",
    "REPLICATION REPLICA": "REPLICATION SLAVE",
    "REPLICATION REPLICA ADMIN": "REPLICATION SLAVE ADMIN",
    "DELETE VERSIONING ROWS": "DELETE HISTORY",
}
"""MariaDB's other words for the same privilege -> the one that it shows."""

_TOKEN = re.compile(
    r"`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|[(),@.*]|[^\s(),@.*`'\"]+", re.DOTALL
)
_ROUTINES = ("FUNCTION", "PROCEDURE", "PACKAGE BODY", "PACKAGE")
_PLAIN = re.compile(r"[A-Za-z0-9_$]+")
_PLAIN_IN_QUOTES = re.compile(r"[^'`\\\x00-\x1f\x7f]*")


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """What a privilege is for; without names all of the server.

    The name of a database is a pattern with % and _ where the privilege is for all of it.
    """

    database: str = "*"
    name: str = "*"
    """A table, a routine, or `*`."""
    kind: str = ""
    """FUNCTION, PROCEDURE and the like, PROXY (database and name are then another account), or '' for tables."""

    def __str__(self) -> str:
        if self.kind == "PROXY":
            return account_name(f"{self.database}@{self.name}")
        place = f"{identifier(self.database)}.{identifier(self.name)}"
        return f"{self.kind} {place}" if self.kind else place

    def covers(self, other: Scope) -> bool:
        """Whether who holds something here holds it there, too."""
        if self == other or self.kind or other.kind:
            return self == other
        if self.database == "*":
            return True
        if self.name == "*":
            return other.database != "*" and _like(self.database).fullmatch(other.database) is not None
        return False


EVERYWHERE = Scope()


@dataclass(frozen=True, slots=True, order=True)
class Privilege:
    """One privilege at one place."""

    name: str
    scope: Scope = EVERYWHERE
    columns: tuple[str, ...] = ()
    """The only columns that it is for, or none."""
    grantable: bool = False
    """Whether its holder may hand it on."""

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(map(identifier, self.columns))})" if self.columns else self.name


@dataclass(frozen=True, slots=True)
class Held:
    """What an account holds in a session of its own: by itself, and by the roles that are active when it logs in."""

    account: str
    """As the server names it: user@host."""
    privileges: tuple[Privilege, ...] = ()
    except_: tuple[Privilege, ...] = ()
    """What MySQL's partial revokes take from the privileges that are for all of the server."""
    roles: tuple[str, ...] = ()
    """The roles that were granted, active or not, quoted as the server does."""
    borrowed: bool = False
    """Whether some of it is not the account's own but a role's, so that it cannot be taken from the account."""
    unread: int = 0
    """How many lines were not understood."""

    def has(self, names: Collection[str], scope: Scope) -> bool:
        """Whether it holds one of these privileges, or ALL PRIVILEGES, on all of `scope`."""
        return any(
            privilege.scope.covers(scope) and not privilege.columns and not self._taken(privilege, scope)
            for privilege in self.privileges
            if privilege.name in names or privilege.name == ALL
        )

    def where(self, names: Collection[str]) -> frozenset[Scope]:
        """The databases and tables on which it holds one of these privileges."""
        return frozenset(p.scope for p in self.privileges if (p.name in names or p.name == ALL) and not p.columns)

    def _taken(self, privilege: Privilege, scope: Scope) -> bool:
        if privilege.scope != EVERYWHERE or scope.database == "*":
            return False
        return any(each.name in (privilege.name, ALL) and each.scope.covers(scope) for each in self.except_)


def parse(account: str, lines: Iterable[str]) -> Held:
    """Reads the lines of SHOW GRANTS for an account; what is no grant of a privilege or a role is counted as unread."""
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
        found = _privileges(tokens[1:here], _scope(tokens[here + 1 : to]), _may_hand_on(tokens[to:]))
        (except_ if verb == "REVOKE" else privileges).extend(found)
        grantees.add(grantee)
    return Held(
        account,
        tuple(privileges),
        tuple(except_),
        tuple(dict.fromkeys(roles)),
        # MariaDB lists a role's privileges under its own name, MySQL under that of the account.
        borrowed=len(grantees) > 1 or any("`@`" in role for role in roles),
        unread=unread,
    )


def identifier(name: str) -> str:
    """A name as GRANT takes it: as it is where it is plain, else in backticks."""
    return name if name == "*" or _PLAIN.fullmatch(name) else f"`{name.replace('`', '``')}`"


def account_name(account: str) -> str:
    """An account as GRANT takes it, of what CURRENT_USER() says; the host is what follows the last @.

    A name with a quote or a backslash is put into backticks, within which nothing is an escape.
    """
    user, _, host = account.rpartition("@")
    return f"{_text(user)}@{_text(host)}"


def _text(name: str) -> str:
    return f"'{name}'" if _PLAIN_IN_QUOTES.fullmatch(name) else f"`{name.replace('`', '``')}`"


def _keyword(tokens: list[str], word: str) -> int:
    """Where a keyword stands, outside of parentheses; 0 where it does not."""
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
    """What stands between the commas that are in no parentheses."""
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


def _privileges(tokens: list[str], scope: Scope, grantable: bool) -> Iterator[Privilege]:
    for part in _split(tokens):
        opens = part.index("(") if "(" in part else len(part)
        name = " ".join(part[:opens]).upper()
        name = SYNONYMS.get(name, name)
        columns = tuple(_bare(mark) for mark in part[opens:] if mark not in "(),")
        if name == "PROXY":
            scope = Scope(scope.database, scope.name, "PROXY")
        if name != USAGE or grantable:
            yield Privilege(name, scope, columns, grantable)


def _scope(words: list[str]) -> Scope:
    """The object between ON and TO: `*.*`, database.*, database.table, FUNCTION database.name, or an account."""
    kind = next((kind for kind in _ROUTINES if words[: len(kind.split())] == kind.split()), "")
    words = words[len(kind.split()) :]
    if words[:1] == ["TABLE"]:
        words = words[1:]
    names = [_bare(word) for word in words if word not in (".", "@")]
    return Scope(names[0] if names else "*", names[1] if len(names) > 1 else "*", kind)


def _grantee(tokens: list[str]) -> str:
    """Who has it: `user`@`host`, `role`, or PUBLIC."""
    user = _bare(tokens[0]) if tokens else ""
    return f"{user}@{_bare(tokens[2])}" if tokens[1:2] == ["@"] and len(tokens) > 2 else user


def _roles(tokens: list[str]) -> Iterator[str]:
    for part in _split(tokens):
        yield "".join(f"`{_bare(mark).replace('`', '``')}`" if mark != "@" else "@" for mark in part)


def _may_hand_on(tail: list[str]) -> bool:
    """Whether the words after the grantee have the grant option."""
    words = [mark.upper() for mark in tail]
    return ("GRANT", "OPTION") in pairwise(words)


def _like(pattern: str) -> re.Pattern[str]:
    """A pattern of a database's name: % is anything, _ one character, a backslash makes the next one plain."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    regular = "".join(
        ".*" if part == "%" else "." if part == "_" else re.escape(part[1] if len(part) == 2 else part)
        for part in parts
    )
    return re.compile(regular, re.IGNORECASE | re.DOTALL)
