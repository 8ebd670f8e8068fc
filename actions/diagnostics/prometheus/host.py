"""What exporters report about a host: its processor, memory, disks and clock, and the database server on it."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Bytes, Cost, Count, Percent, Seconds, diagnostic
from actions.prometheus_contract import Prometheus, Series
from actions.promql_quoting import host_pattern, quoted

_DISKS = 'fstype!~"tmpfs|overlay|squashfs|nsfs|ramfs|devtmpfs|proc|sysfs|cgroup.*|autofs|fuse.*"'
SCALARS = {
    "cores": "count(count by (cpu) (node_cpu_seconds_total{%(host)s}))",
    "busy": '100 * (1 - avg(rate(node_cpu_seconds_total{%(host)s,mode=~"idle|iowait"}[%(over)s])))',
    "iowait": '100 * avg(rate(node_cpu_seconds_total{%(host)s,mode="iowait"}[%(over)s]))',
    "steal": '100 * avg(rate(node_cpu_seconds_total{%(host)s,mode="steal"}[%(over)s]))',
    "load": "max(node_load1{%(host)s})",
    "memory": "max(node_memory_MemTotal_bytes{%(host)s})",
    "available": "max(node_memory_MemAvailable_bytes{%(host)s})",
    "swap_used": "max(node_memory_SwapTotal_bytes{%(host)s} - node_memory_SwapFree_bytes{%(host)s})",
    "swapping": "sum(rate(node_vmstat_pswpin{%(host)s}[%(over)s]) + rate(node_vmstat_pswpout{%(host)s}[%(over)s]))",
    "oom_kills": "sum(increase(node_vmstat_oom_kill{%(host)s}[15m]))",
    "clock_offset": "max(abs(node_timex_offset_seconds{%(host)s}))",
    "clock_synced": "min(node_timex_sync_status{%(host)s})",
    "disk_busy": "100 * max(rate(node_disk_io_time_seconds_total{%(host)s}[%(over)s]))",
}
SERVER = {
    "running": "mysql_global_status_threads_running",
    "uptime": "mysql_global_status_uptime",
    "buffer_pool": "mysql_global_variables_innodb_buffer_pool_size",
}
"""Metrics of the server at the address; if no exporter has that name, the largest value on the host."""
DISKS = {
    "size": "node_filesystem_size_bytes{%(host)s,%(disks)s}",
    "free": "node_filesystem_avail_bytes{%(host)s,%(disks)s}",
    "readonly": "node_filesystem_readonly{%(host)s,%(disks)s}",
    "slope": "deriv(node_filesystem_avail_bytes{%(host)s,%(disks)s}[30m])",
    "inodes": "100 * node_filesystem_files_free{%(host)s,%(disks)s} / node_filesystem_files{%(host)s,%(disks)s}",
}


@dataclass(frozen=True, slots=True)
class Filesystem:
    """One file system of the host."""

    mountpoint: str
    size: Bytes
    free: Bytes
    used: Percent
    """Used space as a share of the size."""
    readonly: bool
    """Whether it is mounted read-only."""
    full_in: Seconds | None
    """Time until it is full at the rate of the last half hour; empty if it does not fill."""
    inodes_free: Percent | None
    """Free inodes as a share of all."""


@dataclass(frozen=True, slots=True)
class Host:
    """The host; a value that its exporter does not report is empty."""

    known: bool = False
    """Whether Prometheus has an exporter of this host."""
    cores: Count = 0
    busy: Percent | None = None
    """Processor use of all cores, without waits for disks."""
    iowait: Percent | None = None
    """Processor time spent waiting for disks."""
    steal: Percent | None = None
    """Processor time taken by other guests of the physical machine."""
    load: float | None = None
    """The load average over one minute."""
    memory: Bytes = 0
    """The host's memory."""
    available: Bytes = 0
    """Memory available without swapping."""
    available_share: Percent | None = None
    """Available memory as a share of all memory."""
    swap_used: Bytes = 0
    """Swap space in use."""
    swapping: float | None = None
    """Pages swapped in and out per second."""
    oom_kills: Count = 0
    """Processes that the kernel killed for lack of memory in the last 15 minutes."""
    clock_offset: Seconds | None = None
    """How far the clock is from its time source."""
    clock_synced: bool | None = None
    """Whether the clock is synchronized."""
    disk_busy: Percent | None = None
    """Share of time for which the busiest disk was busy."""
    server_running: Count | None = None
    """Busy sessions of the database server, without its exporter's; replicas that read the binary log are included."""
    server_uptime: Seconds | None = None
    """Time since the database server started."""
    buffer_pool: Bytes | None = None
    """The database server's innodb_buffer_pool_size."""
    filesystems: tuple[Filesystem, ...] = ()
    """Its file systems, the fullest first."""


@diagnostic(cost=Cost.LOW, needs={})
def host(prometheus: Prometheus, *, address: str, over: Seconds = 120.0) -> Host:
    """Reads node_exporter's metrics of the host of `address`, whatever its port, and those of mysqld_exporter.

    Rates are taken over the last `over` seconds. The database is not queried, so a struggling host gets no more load.
    """
    pattern = f"instance=~{host_pattern(address)}"
    values = {"host": pattern, "over": f"{max(5, int(over))}s", "disks": _DISKS}
    found = {name: _first(prometheus.instant(query % values, limit=1)) for name, query in SCALARS.items()}
    here = f"instance={quoted(address)}"
    server = {
        name: _first(prometheus.instant(f"max({metric}{{{here}}}) or max({metric}{{{pattern}}})", limit=1))
        for name, metric in SERVER.items()
    }
    disks = {name: _by_mount(prometheus.instant(query % values, limit=50)) for name, query in DISKS.items()}
    mounts = [(mount, {name: each.get(mount) for name, each in disks.items()}) for mount in disks["size"]]
    filesystems = [_filesystem(mount, values) for mount, values in mounts]
    memory, available = found["memory"] or 0.0, found["available"]
    return Host(
        known=any(value is not None for value in found.values()),
        cores=int(found["cores"] or 0),
        busy=_rounded(found["busy"]),
        iowait=_rounded(found["iowait"]),
        steal=_rounded(found["steal"]),
        load=_rounded(found["load"]),
        memory=int(memory),
        available=int(available or 0),
        available_share=_rounded(100.0 * available / memory if available is not None and memory else None),
        swap_used=int(found["swap_used"] or 0),
        swapping=_rounded(found["swapping"]),
        oom_kills=round(found["oom_kills"] or 0),
        clock_offset=found["clock_offset"],
        clock_synced=None if found["clock_synced"] is None else found["clock_synced"] > 0,
        disk_busy=_rounded(found["disk_busy"]),
        server_running=None if server["running"] is None else max(0, int(server["running"]) - 1),
        server_uptime=server["uptime"],
        buffer_pool=None if server["buffer_pool"] is None else int(server["buffer_pool"]),
        filesystems=tuple(sorted(filesystems, key=lambda each: -each.used)),
    )


def _filesystem(mount: str, values: dict[str, float | None]) -> Filesystem:
    size, free, slope = values["size"] or 0.0, values["free"] or 0.0, values["slope"] or 0.0
    return Filesystem(
        mountpoint=mount,
        size=int(size),
        free=int(free),
        used=round(100.0 * (size - free) / size, 1) if size else 0.0,
        readonly=bool(values["readonly"]),
        full_in=round(free / -slope, 0) if slope < -1.0 else None,
        inodes_free=_rounded(values["inodes"]),
    )


def _first(found: list[Series]) -> float | None:
    return found[0].samples[-1].value if found and found[0].samples else None


def _by_mount(found: list[Series]) -> dict[str, float]:
    return {each.labels.get("mountpoint", ""): each.samples[-1].value for each in found if each.samples}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
