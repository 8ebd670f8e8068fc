"""The MySQL servers beneath the tablets: their data directories, settings and users.

mysqlctl makes the settings and the first data directory, so both are Vitess's own. The data directory is made once,
kept in the cache and copied, which takes a third of a second instead of several; the lab's users come with the first
start.
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
from bot.lab.database_servers import HOST
from bot.lab.grants import READER, USERS, statements
from bot.lab.lab_state import LabState, Login, write_private
from bot.lab.server_programs import ServerProgram, ServerPrograms
from bot.lab.vitess import cluster_processes
from bot.lab.vitess.cluster_layout import KEYSPACE, TabletPlan
from bot.lab.vitess.vitess_programs import VitessPrograms

_LONGEST_SOCKET = 107
"""Bytes that the kernel takes as the path of a socket."""
_TEMPLATE_UID = 1
_KEPT = ("data", "innodb")
"""What of a tablet's folder is its data; the rest is settings and logs."""
_SMALL = (
    "innodb-redo-log-capacity=16M",
    "innodb-buffer-pool-size=48M",
    "max-connections=150",
    "table-open-cache=400",
    "table-definition-cache=500",
)
"""The last three are what performance_schema takes memory for, some hundred megabytes otherwise."""


def data_root(folder: Path) -> Path:
    """Returns what Vitess calls VTDATAROOT; raises FirstmateError when a socket in it could not be opened."""
    root = folder / "data" / "vt"
    longest = tablet_folder(root, 2**32 - 1) / "mysql.sock"
    if len(os.fsencode(longest)) > _LONGEST_SOCKET:
        raise FirstmateError(f"The path of {folder} is too long for the sockets of its servers; use a shorter one.")
    return root


def tablet_folder(root: Path, uid: int) -> Path:
    """Returns the folder of a tablet below VTDATAROOT."""
    return root / f"vt_{uid:010d}"


def environment(root: Path) -> dict[str, str]:
    """Returns what Vitess's programs want in their environment; mysqld is a wrapper below `mysql` there."""
    return {
        "VTROOT": str(root),
        "VTDATAROOT": str(root),
        "VT_MYSQL_ROOT": str(root / "mysql"),
        "EXTRA_MY_CNF": str(root / "extra.cnf"),
    }


def make_root(root: Path, mysqld: ServerProgram, mysqladmin: ServerProgram) -> None:
    """Makes VTDATAROOT with what Vitess looks for in it: mysqld, mysqladmin, and the settings that it adds."""
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
    """Makes the first data directory in the cache, once, with Vitess's own users; the caller holds the cache's lock."""
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
        # It ends by SIGTERM, so that its data is whole.
        processes.stop_all(root, marker, patience=30.0)
    (folder / "data" / "auto.cnf").unlink()
    folder.rename(template)
    shutil.rmtree(root)


def prepare(
    folder: Path, plan: TabletPlan, ports: dict[str, int], programs: ServerPrograms, vitess: VitessPrograms
) -> list[str]:
    """Makes the settings and the data of one server; returns the command line that starts it."""
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
    """Writes the statements that make the lab's users, none into the binary log; the file holds passwords."""
    lines = ["SET SESSION sql_log_bin=0"]
    for user in USERS:
        made = statements("mysql", logins[user].user, logins[user].password)
        lines += [each.replace(" ON shop.*", f" ON vt_{KEYSPACE}.*") for each in made]  # Vitess's name of the schema
    lines.append(f"GRANT SELECT ON _vt.* TO '{logins[READER].user}'@'%'")
    path = folder / "secrets" / f"{plan.mysqld}.sql"
    write_private(path, ";\n".join(lines) + ";\n")
    return path


def record_restarted_servers(state: LabState) -> None:
    """Records the servers that Vitess started anew since, as it does for a backup, under their names."""
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
