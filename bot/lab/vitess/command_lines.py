"""The command lines of the cluster's programs; all of them listen on loopback only."""

from __future__ import annotations

from pathlib import Path

from bot.lab.server_data_directories import HOST
from bot.lab.server_programs import ServerProgram
from bot.lab.vitess.cluster_layout import CELL, KEYSPACE, TabletPlan
from bot.lab.vitess.vitess_programs import VitessPrograms

GLOBAL_ROOT = "/vitess/global"
CELL_ROOT = f"/vitess/{CELL}"
ABANDONED_AFTER = "10s"
"""When an unresolved two-phase commit counts as abandoned; the default of Vitess is 15 minutes."""
_LOG = ("--log-level=warn",)


def etcd(program: ServerProgram, folder: Path, ports: dict[str, int]) -> list[str]:
    """Returns the command line of the topology server."""
    client, peer = (f"http://{HOST}:{ports[name]}" for name in ("etcd", "etcd peer"))
    return [
        *program.argv,
        "--name=lab",
        f"--data-dir={folder / 'data' / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=lab={peer}",
        "--unsafe-no-fsync",  # a lab need not survive a power cut
        "--log-level=warn",
    ]


def topology(ports: dict[str, int]) -> tuple[str, ...]:
    """Returns the options with which every Vitess program finds the topology server."""
    return (
        "--topo-implementation=etcd2",
        f"--topo-global-server-address={HOST}:{ports['etcd']}",
        f"--topo-global-root={GLOBAL_ROOT}",
    )


def vtctld(vitess: VitessPrograms, folder: Path, ports: dict[str, int]) -> list[str]:
    """Returns the command line of vtctld."""
    return [
        vitess["vtctld"],
        *topology(ports),
        f"--cell={CELL}",
        "--service-map=grpc-vtctl,grpc-vtctld",
        *_listening(ports["vtctld"], ports["vtctld grpc"]),
        *_backups(folder),
        *_LOG,
    ]


def vttablet(vitess: VitessPrograms, folder: Path, plan: TabletPlan, ports: dict[str, int]) -> list[str]:
    """Returns the command line of a vttablet. The replication reporter is off, which is the default."""
    return [
        vitess["vttablet"],
        *topology(ports),
        f"--tablet-path={plan.alias}",
        f"--tablet-hostname={HOST}",
        f"--init-keyspace={KEYSPACE}",
        f"--init-shard={plan.shard}",
        "--init-tablet-type=replica",
        "--service-map=grpc-queryservice,grpc-tabletmanager,grpc-updatestream",
        *_listening(ports[f"{plan.uid} http"], ports[f"{plan.uid} grpc"]),
        *_backups(folder),
        "--queryserver-config-pool-size=16",
        "--queryserver-config-stream-pool-size=16",
        "--queryserver-config-transaction-cap=20",
        f"--twopc-abandon-age={ABANDONED_AFTER}",
        *_LOG,
    ]


def vtorc(vitess: VitessPrograms, ports: dict[str, int]) -> list[str]:
    """Returns the command line of VTOrc, which polls every second."""
    return [
        vitess["vtorc"],
        *topology(ports),
        f"--cell={CELL}",
        f"--port={ports['vtorc']}",
        f"--bind-address={HOST}",
        "--instance-poll-time=1s",
        "--recovery-poll-duration=1s",
        "--topo-information-refresh-duration=3s",
        *_LOG,
    ]


def vtgate(vitess: VitessPrograms, folder: Path, ports: dict[str, int]) -> list[str]:
    """Returns the command line of vtgate, which buffers queries while a shard has no primary."""
    return [
        vitess["vtgate"],
        *topology(ports),
        f"--cell={CELL}",
        f"--cells-to-watch={CELL}",
        "--tablet-types-to-wait=PRIMARY,REPLICA",
        "--service-map=grpc-vtgateservice",
        *_listening(ports["vtgate"], ports["vtgate grpc"]),
        f"--mysql-server-port={ports['vtgate mysql']}",
        f"--mysql-server-bind-address={HOST}",
        f"--mysql-server-socket-path={folder / 'data' / 'vt' / 'vtgate.sock'}",
        "--mysql-auth-server-impl=none",
        "--enable-buffer",
        "--vschema-ddl-authorized-users=%",
        *_LOG,
    ]


def vtctldclient(vitess: VitessPrograms, ports: dict[str, int], *arguments: str) -> list[str]:
    """Returns the command line of one vtctldclient command."""
    return [vitess["vtctldclient"], f"--server={HOST}:{ports['vtctld grpc']}", *arguments]


def add_cell(vitess: VitessPrograms, ports: dict[str, int]) -> list[str]:
    """Returns the command line that creates the cell in the topology server, before vtctld runs."""
    where = (f"--root={CELL_ROOT}", f"--server-address={HOST}:{ports['etcd']}", CELL)
    return [vitess["vtctldclient"], "--server=internal", *topology(ports), "AddCellInfo", *where]


def _listening(http: int, grpc: int) -> tuple[str, ...]:
    return (f"--port={http}", f"--bind-address={HOST}", f"--grpc-port={grpc}", f"--grpc-bind-address={HOST}")


def _backups(folder: Path) -> tuple[str, ...]:
    return ("--backup-storage-implementation=file", f"--file-backup-storage-root={folder / 'data' / 'backups'}")
