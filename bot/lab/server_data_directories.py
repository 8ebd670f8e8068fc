"""The lab's MySQL and MariaDB servers: the fleet, their configuration, data directories and init files."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.errors import FirstmateError
from bot.lab.database_users import USERS, Flavour, statements
from bot.lab.lab_state import Login, write_private
from bot.lab.server_programs import ServerProgram, ServerPrograms

HOST = "127.0.0.1"
MAX_CONNECTIONS = 100
_SMALL_LOGS: dict[Flavour, tuple[str, ...]] = {
    "mysql": ("--innodb-redo-log-capacity=16M",),
    "mariadb": ("--innodb-log-file-size=16M",),
}
"""Without these options every data directory begins with a redo log of 100 MB, which would have to be copied."""


@dataclass(frozen=True)
class ServerPlan:
    """One server to start."""

    name: str
    shard: str
    flavour: Flavour
    role: Literal["primary", "replica"]
    source: str | None
    server_id: int
    newer: bool = False
    """Whether it runs the later of the two MariaDB versions."""


FLEET = (
    ServerPlan("orders-1", "orders", "mysql", "primary", None, 101),
    ServerPlan("orders-2", "orders", "mysql", "replica", "orders-1", 102),
    ServerPlan("orders-3", "orders", "mysql", "replica", "orders-1", 103),
    ServerPlan("billing-1", "billing", "mariadb", "primary", None, 201),
    ServerPlan("billing-2", "billing", "mariadb", "replica", "billing-1", 202),
    ServerPlan("billing-3", "billing", "mariadb", "replica", "billing-1", 203, newer=True),
)


def program_of(programs: ServerPrograms, plan: ServerPlan) -> ServerProgram:
    """Returns the program that a server runs."""
    if plan.flavour == "mysql":
        return programs.mysqld
    return programs.mariadbd_newer if plan.newer else programs.mariadbd


def spare_port_name(name: str) -> str:
    """Returns the key of a server's spare port in the table of ports."""
    return f"{name} spare"


def prepare_data_directory(
    folder: Path, plan: ServerPlan, programs: ServerPrograms, ports: dict[str, int], logins: dict[str, Login]
) -> list[str]:
    """Creates the data directory and the configuration of a server; returns the command line that starts it."""
    server = program_of(programs, plan)
    data = folder / "data" / plan.name
    shutil.copytree(_template_path(programs, plan), data)
    first = init_file(folder, plan.name)
    write_private(first, _init_statements(plan, logins))
    settings = folder / "data" / f"{plan.name}.cnf"
    settings.write_text(_settings(folder, plan, server, ports, data), encoding="utf-8")
    argv = [*server.argv, f"--defaults-file={settings}"]
    _command(folder, plan.name).write_text(json.dumps(argv), encoding="utf-8")
    return [*argv, f"--init-file={first}"]


def prepare_restart(folder: Path, name: str) -> list[str]:
    """Prepares a server that was killed for a restart on its data, and returns its command line.

    The lock file of its socket is removed: mysqld refuses to start while the pid in it exists, even as a zombie that
    its parent has not waited for yet. The log tables are repaired, since a killed server leaves those that it was
    writing to marked as crashed (error 1194).
    """
    (folder / "data" / name / "server.sock.lock").unlink(missing_ok=True)
    repair = folder / "data" / f"{name}.repair.sql"
    repair.write_text("REPAIR NO_WRITE_TO_BINLOG TABLE mysql.general_log, mysql.slow_log;\n", encoding="utf-8")
    return [*json.loads(_command(folder, name).read_text(encoding="utf-8")), f"--init-file={repair}"]


def _command(folder: Path, name: str) -> Path:
    return folder / "data" / f"{name}.command.json"


def init_file(folder: Path, name: str) -> Path:
    """Returns the path of a server's init file, which contains passwords."""
    return folder / "data" / f"{name}.sql"


def make_template(programs: ServerPrograms, plan: ServerPlan) -> None:
    """Initialises a data directory in the cache for a server's program, once; the caller holds the cache lock."""
    path = _template_path(programs, plan)
    if path.is_dir():
        return
    part = path.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    server = program_of(programs, plan)
    if plan.flavour == "mysql":
        _initialise_mysql(server, part)
    else:
        _initialise_mariadb(server, part)
    (part / "auto.cnf").unlink(missing_ok=True)
    part.rename(path)


def _template_path(programs: ServerPrograms, plan: ServerPlan) -> Path:
    server = program_of(programs, plan)
    key = hashlib.sha256(" ".join((*server.argv, *_SMALL_LOGS[plan.flavour])).encode()).hexdigest()[:8]
    return programs.cache / "templates" / f"{plan.flavour}-{server.version}-{key}"


def _initialise_mysql(server: ServerProgram, data: Path) -> None:
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


def _initialise_mariadb(server: ServerProgram, data: Path) -> None:
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


def _mariadb_share(server: ServerProgram) -> tuple[Path, str]:
    """Returns the folder of MariaDB's scripts and the prefix of their names: mysql_, and mariadb_ since MariaDB 11."""
    for name in ("mysql", "mariadb", ""):
        path = server.prefix / "share" / name
        for prefix in ("mysql", "mariadb"):
            if (path / f"{prefix}_system_tables.sql").is_file():
                return path, prefix
    raise FirstmateError(
        f"MariaDB's system table scripts are not in {server.prefix / 'share'}; install the package mariadb-server."
    )


def _run(argv: list[str], text: str) -> None:
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise FirstmateError(
            f"{Path(argv[0]).name} could not initialise a data directory: {(done.stdout + done.stderr)[-400:].strip()}"
        )


def _as_root() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


def _mysql_paths(server: ServerProgram) -> list[str]:
    """Returns the options with which an unpacked server finds its files; an installed server needs none."""
    share = server.prefix / "share/mysql"
    if len(server.argv) == 1 or not share.is_dir():
        return []
    return [
        f"--lc-messages-dir={share}",
        f"--character-sets-dir={share / 'charsets'}",
        f"--plugin-dir={server.prefix / 'lib/mysql/plugin'}",
    ]


def _settings(folder: Path, plan: ServerPlan, server: ServerProgram, ports: dict[str, int], data: Path) -> str:
    port, spare_port = ports[plan.name], ports[spare_port_name(plan.name)]
    lines = [
        "[mysqld]",
        f"server-id={plan.server_id}",
        f"bind-address={HOST}",
        f"port={port}",
        f"report-host={HOST}",
        f"report-port={port}",
        f"datadir={data}",
        "socket=server.sock",  # relative to datadir: the path of a socket is limited to 107 bytes
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


def _mysql_settings(plan: ServerPlan, server: ServerProgram, spare_port: int) -> list[str]:
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


def _mariadb_settings(plan: ServerPlan, server: ServerProgram, spare_port: int) -> list[str]:
    return [
        *([f"lc-messages-dir={_mariadb_share(server)[0]}"] if len(server.argv) > 1 else []),
        f"extra-port={spare_port}",
        "extra-max-connections=20",
        "log-slave-updates=ON",
        "gtid-strict-mode=ON",
        "gtid-domain-id=0",
        *(["read-only=ON"] if plan.role == "replica" else []),
    ]


def _init_statements(plan: ServerPlan, logins: dict[str, Login]) -> str:
    """Returns the statements that create the users, one per line and outside of the binary log."""
    lines = ["SET SESSION sql_log_bin=0"]
    for user in USERS:
        lines += statements(plan.flavour, logins[user].user, logins[user].password)
    admin = logins["admin"].password
    lines.append(f"ALTER USER 'root'@'localhost' IDENTIFIED BY '{admin}'")
    return ";\n".join(lines) + ";\n"
