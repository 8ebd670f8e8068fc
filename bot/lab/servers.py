"""The lab's database servers: their settings, data directories and first statements."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.errors import FirstmateError
from bot.lab.grants import USERS, Flavour, statements
from bot.lab.packages import Program, Programs
from bot.lab.state import Login, write_private

HOST = "127.0.0.1"
MAX_CONNECTIONS = 100
_SMALL_LOGS: dict[Flavour, tuple[str, ...]] = {
    "mysql": ("--innodb-redo-log-capacity=16M",),
    "mariadb": ("--innodb-log-file-size=16M",),
}
"""Without them every data directory begins with a redo log of 100 MB, which has to be copied."""


@dataclass(frozen=True)
class Plan:
    """One server as it is to be."""

    name: str
    shard: str
    flavour: Flavour
    role: Literal["primary", "replica"]
    source: str | None
    server_id: int
    newer: bool = False
    """Whether it runs the later of two versions of its flavour."""


FLEET = (
    Plan("orders-1", "orders", "mysql", "primary", None, 101),
    Plan("orders-2", "orders", "mysql", "replica", "orders-1", 102),
    Plan("orders-3", "orders", "mysql", "replica", "orders-1", 103),
    Plan("billing-1", "billing", "mariadb", "primary", None, 201),
    Plan("billing-2", "billing", "mariadb", "replica", "billing-1", 202),
    Plan("billing-3", "billing", "mariadb", "replica", "billing-1", 203, newer=True),
)


def program(programs: Programs, plan: Plan) -> Program:
    """Returns the program of a server."""
    if plan.flavour == "mysql":
        return programs.mysqld
    return programs.mariadbd_newer if plan.newer else programs.mariadbd


def spare(name: str) -> str:
    """Returns the name under which the spare port of a server stands in the table of ports."""
    return f"{name} spare"


def prepare(folder: Path, plan: Plan, programs: Programs, ports: dict[str, int], logins: dict[str, Login]) -> list[str]:
    """Makes the data directory and the settings of one server; returns the command line that starts it."""
    server = program(programs, plan)
    data = folder / "data" / plan.name
    shutil.copytree(_template_path(programs, plan), data)
    first = first_statements(folder, plan.name)
    write_private(first, _first_statements(plan, logins))
    settings = folder / "data" / f"{plan.name}.cnf"
    settings.write_text(_settings(folder, plan, server, ports, data), encoding="utf-8")
    argv = [*server.argv, f"--defaults-file={settings}"]
    _command(folder, plan.name).write_text(json.dumps(argv), encoding="utf-8")
    return [*argv, f"--init-file={first}"]


def prepare_again(folder: Path, name: str) -> list[str]:
    """Makes a server that is gone ready to start on the data that it has, and returns its command line.

    The lock of its socket goes: mysqld takes the pid in it for another server even when it is a zombie's, which it is
    until whoever started it looks. And the tables of its logs are repaired, which a killed server leaves marked as
    crashed (error 1194) where it wrote to them.
    """
    (folder / "data" / name / "server.sock.lock").unlink(missing_ok=True)
    repair = folder / "data" / f"{name}.repair.sql"
    repair.write_text("REPAIR NO_WRITE_TO_BINLOG TABLE mysql.general_log, mysql.slow_log;\n", encoding="utf-8")
    return [*json.loads(_command(folder, name).read_text(encoding="utf-8")), f"--init-file={repair}"]


def _command(folder: Path, name: str) -> Path:
    return folder / "data" / f"{name}.command.json"


def first_statements(folder: Path, name: str) -> Path:
    """Returns the file of the statements that a server runs before it listens; it holds passwords."""
    return folder / "data" / f"{name}.sql"


def make_template(programs: Programs, plan: Plan) -> None:
    """Makes the empty data directory for a server's program in the cache, once; the caller holds the cache's lock."""
    path = _template_path(programs, plan)
    if path.is_dir():
        return
    part = path.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    server = program(programs, plan)
    if plan.flavour == "mysql":
        _initialise_mysql(server, part)
    else:
        _initialise_mariadb(server, part)
    (part / "auto.cnf").unlink(missing_ok=True)
    part.rename(path)


def _template_path(programs: Programs, plan: Plan) -> Path:
    server = program(programs, plan)
    key = hashlib.sha256(" ".join((*server.argv, *_SMALL_LOGS[plan.flavour])).encode()).hexdigest()[:8]
    return programs.cache / "templates" / f"{plan.flavour}-{server.version}-{key}"


def _initialise_mysql(server: Program, data: Path) -> None:
    _run(
        [
            *server.argv,
            "--no-defaults",
            "--initialize-insecure",
            f"--datadir={data}",
            *_mysql_paths(server),
            *_SMALL_LOGS["mysql"],
            *_as_root(),
        ],
        "",
    )


def _initialise_mariadb(server: Program, data: Path) -> None:
    (data / "mysql").mkdir(parents=True)
    share, prefix = _mariadb_share(server)
    names = (
        f"{prefix}_system_tables.sql",
        f"{prefix}_performance_tables.sql",
        f"{prefix}_system_tables_data.sql",
        "maria_add_gis_sp_bootstrap.sql",
        f"{prefix}_sys_schema.sql",
    )
    script = "create database if not exists mysql;\nuse mysql;\nset @auth_root_socket=NULL;\n"
    script += "\n".join((share / name).read_text(encoding="utf-8") for name in names)
    _run(
        [
            *server.argv,
            "--no-defaults",
            "--bootstrap",
            f"--datadir={data}",
            f"--lc-messages-dir={share}",
            "--enforce-storage-engine=",
            "--max_allowed_packet=8M",
            "--net_buffer_length=16K",
            *_SMALL_LOGS["mariadb"],
            *_as_root(),
        ],
        script,
    )


def _mariadb_share(server: Program) -> tuple[Path, str]:
    """Returns the folder of MariaDB's scripts, and how their names begin: mysql_, and mariadb_ since 11."""
    for name in ("mysql", "mariadb", ""):
        path = server.prefix / "share" / name
        for prefix in ("mysql", "mariadb"):
            if (path / f"{prefix}_system_tables.sql").is_file():
                return path, prefix
    raise FirstmateError(
        f"MariaDB's mariadb_system_tables.sql is not below {server.prefix / 'share'}; install its server."
    )


def _run(argv: list[str], text: str) -> None:
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise FirstmateError(
            f"{Path(argv[0]).name} could not make an empty data directory: {(done.stdout + done.stderr)[-400:].strip()}"
        )


def _as_root() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


def _mysql_paths(server: Program) -> list[str]:
    """Returns where a server that was unpacked beside the system finds its parts; one that is installed knows."""
    share = server.prefix / "share/mysql"
    if len(server.argv) == 1 or not share.is_dir():
        return []
    return [
        f"--lc-messages-dir={share}",
        f"--character-sets-dir={share / 'charsets'}",
        f"--plugin-dir={server.prefix / 'lib/mysql/plugin'}",
    ]


def _settings(folder: Path, plan: Plan, server: Program, ports: dict[str, int], data: Path) -> str:
    port, spare_port = ports[plan.name], ports[spare(plan.name)]
    lines = [
        "[mysqld]",
        f"server-id={plan.server_id}",
        f"bind-address={HOST}",
        f"port={port}",
        f"report-host={HOST}",
        f"report-port={port}",
        f"datadir={data}",
        "socket=server.sock",  # relative to datadir: a socket's path may not be longer than 107 bytes
        f"pid-file={data / 'server.pid'}",
        f"log-error={folder / 'logs' / f'{plan.name}.log'}",
        "log-bin=binlog",
        "binlog-format=ROW",
        f"max-connections={MAX_CONNECTIONS}",
        "performance-schema=ON",
        "innodb-buffer-pool-size=64M",
        "innodb-flush-log-at-trx-commit=2",  # a lab need not survive a power cut
        "sync-binlog=0",
        "innodb-flush-method=fsync",
        "skip-name-resolve=ON",
        *(line.removeprefix("--") for line in _as_root()),
    ]
    lines += [option.removeprefix("--") for option in _SMALL_LOGS[plan.flavour]]
    lines += (
        _mysql_settings(plan, server, spare_port)
        if plan.flavour == "mysql"
        else _mariadb_settings(plan, server, spare_port)
    )
    return "\n".join(lines) + "\n"


def _mysql_settings(plan: Plan, server: Program, spare_port: int) -> list[str]:
    semi_sync = "source" if plan.role == "primary" else "replica"
    return [
        *(line.removeprefix("--") for line in _mysql_paths(server)),
        "gtid-mode=ON",
        "enforce-gtid-consistency=ON",
        "plugin-load-add=semisync_source.so;semisync_replica.so",
        f"rpl-semi-sync-{semi_sync}-enabled=ON",
        *(["rpl-semi-sync-source-timeout=1000"] if plan.role == "primary" else []),  # milliseconds
        f"admin-address={HOST}",
        f"admin-port={spare_port}",
        "mysqlx=OFF",
        "secure-file-priv=NULL",
        *(["read-only=ON", "super-read-only=ON"] if plan.role == "replica" else []),
    ]


def _mariadb_settings(plan: Plan, server: Program, spare_port: int) -> list[str]:
    return [
        *([f"lc-messages-dir={_mariadb_share(server)[0]}"] if len(server.argv) > 1 else []),
        f"extra-port={spare_port}",
        "extra-max-connections=20",
        "log-slave-updates=ON",
        "gtid-strict-mode=ON",
        "gtid-domain-id=0",
        *(["read-only=ON"] if plan.role == "replica" else []),
    ]


def _first_statements(plan: Plan, logins: dict[str, Login]) -> str:
    """Returns the statements a server runs before it listens: its users, kept out of the binary log, one per line."""
    lines = ["SET SESSION sql_log_bin=0"]
    for user in USERS:
        lines += statements(plan.flavour, logins[user].user, logins[user].password)
    admin = logins["admin"].password
    lines.append(f"ALTER USER 'root'@'localhost' IDENTIFIED BY '{admin}'")
    return ";\n".join(lines) + ";\n"


@contextmanager
def reserved_ports(count: int) -> Iterator[list[int]]:
    """Yields free ports of the loopback, below those that the kernel takes for outgoing connections.

    Until the end of the block nobody who binds without SO_REUSEADDR gets one of them, so that labs that come up at the
    same time do not choose the same ports. The servers of the lab set SO_REUSEADDR, and get theirs.
    """
    held: list[socket.socket] = []
    generator = random.SystemRandom()
    try:
        while len(held) < count:
            holder = socket.socket()
            try:
                holder.bind((HOST, generator.randrange(18000, 32000)))
            except OSError:
                holder.close()
                continue
            # Only after the bind, which another holder of the port would otherwise not prevent (socket(7)).
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.append(holder)
        yield [int(holder.getsockname()[1]) for holder in held]
    finally:
        for holder in held:
            holder.close()


def free_ports(count: int) -> list[int]:
    """Returns ports that are free now; whoever starts a server later than at once reserves them instead."""
    with reserved_ports(count) as ports:
        return ports
