"""The MySQL servers of the tablets: their data directories, configuration and users.

mysqlctl creates the configuration and the first data directory, so that both are as Vitess makes them. The data
directory is cached and copied for each server, which takes a third of a second instead of several. The lab's users are
created at the first start.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
from pathlib import Path

from bot.errors import FirstmateError
from bot.lab import processes
from bot.lab.database_users import READER, USERS, statements
from bot.lab.lab_state import LabState, Login, write_private
from bot.lab.server_data_directories import HOST
from bot.lab.server_programs import ServerProgram, ServerPrograms
from bot.lab.vitess import cluster_processes
from bot.lab.vitess.cluster_layout import KEYSPACE, TabletPlan
from bot.lab.vitess.vitess_programs import VitessPrograms

_LONGEST_SOCKET = 107
"""The kernel's limit for the path of a socket, in bytes."""
_TEMPLATE_UID = 1
_KEPT = ("data", "innodb")
"""The data in a tablet's folder; the rest is configuration and logs."""
_SMALL = (
    "innodb-redo-log-capacity=16M",
    "innodb-buffer-pool-size=48M",
    "max-connections=150",
    "table-open-cache=400",
    "table-definition-cache=500",
)
"""The last three limit the memory of performance_schema, which would otherwise take some hundred MB."""


def data_root(folder: Path) -> Path:
    """Returns VTDATAROOT of the lab; raises FirstmateError when the path is too long for sockets."""
    root = folder / "data" / "vt"
    longest = tablet_folder(root, 2**32 - 1) / "mysql.sock"
    if len(os.fsencode(longest)) > _LONGEST_SOCKET:
        raise FirstmateError(f"The path {folder} is too long for the sockets of the servers; use a shorter path.")
    return root


def tablet_folder(root: Path, uid: int) -> Path:
    """Returns the folder of a tablet in VTDATAROOT."""
    return root / f"vt_{uid:010d}"


def environment(root: Path) -> dict[str, str]:
    """Returns the environment of Vitess's programs; VT_MYSQL_ROOT has a wrapper of mysqld."""
    return {
        "VTROOT": str(root),
        "VTDATAROOT": str(root),
        "VT_MYSQL_ROOT": str(root / "mysql"),
        "EXTRA_MY_CNF": str(root / "extra.cnf"),
    }


def make_root(root: Path, mysqld: ServerProgram, mysqladmin: ServerProgram) -> None:
    """Creates VTDATAROOT with what Vitess expects: mysqld, mysqladmin and extra.cnf."""
    bin_folder = root / "mysql" / "bin"
    bin_folder.mkdir(parents=True)
    for name, program in (("mysqld", mysqld), ("mysqladmin", mysqladmin)):
        wrapper = bin_folder / name
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(program.argv)} "$@"\n', encoding="utf-8")
        wrapper.chmod(0o755)
    share = mysqld.prefix / "share/mysql"
    settings = [f"bind-address={HOST}", f"report-host={HOST}", *_SMALL]
    settings += ["innodb-flush-log-at-trx-commit=2", "sync-binlog=0", "innodb-flush-method=fsync"]
    if len(mysqld.argv) > 1 and share.is_dir():
        settings += [f"lc-messages-dir={share}", f"character-sets-dir={share / 'charsets'}"]
        settings += [f"plugin-dir={mysqld.prefix / 'lib/mysql/plugin'}"]
    (root / "extra.cnf").write_text("\n".join(settings) + "\n", encoding="utf-8")


def make_template(programs: ServerPrograms, mysqladmin: ServerProgram, vitess: VitessPrograms) -> None:
    """Initialises a data directory with Vitess's users in the cache, once; the caller holds the cache lock."""
    template = _template(programs, vitess)
    if template.is_dir():
        return
    root = template.with_suffix(".part")
    shutil.rmtree(root, ignore_errors=True)
    make_root(root, programs.mysqld, mysqladmin)
    marker = f"{root}#template"
    folder = tablet_folder(root, _TEMPLATE_UID)
    try:
        _mysqlctl(vitess, root, _TEMPLATE_UID, 3306, "init", {processes.MARKER: marker})
    finally:
        # SIGTERM gives mysqld time for a clean shutdown.
        processes.stop_all(root, marker, grace=30.0)
    (folder / "data" / "auto.cnf").unlink()
    folder.rename(template)
    shutil.rmtree(root)


def prepare(
    folder: Path, plan: TabletPlan, ports: dict[str, int], programs: ServerPrograms, vitess: VitessPrograms
) -> list[str]:
    """Creates the configuration and the data of one server; returns the command line that starts it."""
    root = data_root(folder)
    home = tablet_folder(root, plan.uid)
    extra = root / f"extra-{plan.uid}.cnf"
    port, spare = ports[f"{plan.uid} mysql"], ports[f"{plan.uid} spare"]
    log = folder / "logs" / f"{plan.mysqld}.log"
    lines = (f"report-port={port}", f"admin-address={HOST}", f"admin-port={spare}", f"log-error={log}")
    extra.write_text("\n".join(lines) + "\n", encoding="utf-8")
    both = f"{root / 'extra.cnf'}:{extra}"
    _mysqlctl(vitess, root, plan.uid, port, "init_config", {"EXTRA_MY_CNF": both})
    template = _template(programs, vitess)
    for name in _KEPT:
        subprocess.run(["cp", "-a", "-T", str(template / name), str(home / name)], check=True)
    mysql = root / "mysql"
    return [str(mysql / "bin" / "mysqld"), f"--defaults-file={home / 'my.cnf'}", f"--basedir={mysql}"]


def write_users(folder: Path, plan: TabletPlan, logins: dict[str, Login]) -> Path:
    """Writes the init file that creates the lab's users outside of the binary log; it contains passwords."""
    lines = ["SET SESSION sql_log_bin=0"]
    for user in USERS:
        made = statements("mysql", logins[user].user, logins[user].password)
        lines += [each.replace(" ON shop.*", f" ON vt_{KEYSPACE}.*") for each in made]  # the schema is named by Vitess
    lines.append(f"GRANT SELECT ON _vt.* TO '{logins[READER].user}'@'%'")
    path = folder / "secrets" / f"{plan.mysqld}.sql"
    write_private(path, ";\n".join(lines) + ";\n")
    return path


def record_restarted_servers(state: LabState) -> None:
    """Records the processes of MySQL servers that Vitess itself restarted, for example after a backup."""
    if state.vitess is None:
        return
    for tablet in state.vitess.tablets:
        pid_file = tablet_folder(data_root(state.folder), tablet.uid) / "mysql.pid"
        try:
            pid = int(pid_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if not any(p.name == tablet.mysqld and p.pid == pid for p in processes.recorded(state.folder)):
            processes.record_running(state.folder, state.marker, tablet.mysqld, pid)


def _template(programs: ServerPrograms, vitess: VitessPrograms) -> Path:
    what = (*programs.mysqld.argv, *_SMALL, vitess.version)
    key = hashlib.sha256(" ".join(what).encode()).hexdigest()[:8]
    return programs.cache / "templates" / f"vitess-{vitess.version}-mysql-{programs.mysqld.version}-{key}"


def _mysqlctl(vitess: VitessPrograms, root: Path, uid: int, port: int, command: str, extra: dict[str, str]) -> None:
    argv = [vitess["mysqlctl"], f"--tablet-uid={uid}", f"--mysql-port={port}", command]
    cluster_processes.run(argv, {**environment(root), **extra})
